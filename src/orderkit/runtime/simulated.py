"""One account on the simulated exchange, spoken to in domain terms: the backtest's gateway."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from orderkit.domain.account import Account, Position, TradingSnapshot
from orderkit.domain.commands import (
    CancelOrder,
    ListOpenOrders,
    LookAt,
    QueryFills,
    QueryOrder,
    SearchOrder,
    SubmitOrder,
)
from orderkit.domain.enums import OrderStatus, OrderType, TimeInForce, WorkingType
from orderkit.domain.events import (
    CancelRefused,
    Input,
    LookedAt,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryAnswered,
    SubmitRefused,
    TradeReported,
)
from orderkit.domain.instrument import Instrument
from orderkit.domain.looks import AccountFor, BalanceOf, ContractOf, Look, PriceAt, QuoteOf, Seen
from orderkit.domain.margin import Bracket
from orderkit.domain.order import Fill, OrderRef, OrderReport, OrderRequest, Rejection
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import (
    AlgoOrderView,
    AlgoStatus,
    AlgoUpdate,
    Event,
    ExchangeError,
    NewAlgoOrder,
    NewOrder,
    OrderUpdate,
    OrderView,
    TradeView,
)

ExchangeCommand = SubmitOrder | CancelOrder | QueryOrder | QueryFills | ListOpenOrders | SearchOrder | LookAt

_ALGO_STATUS = {
    AlgoStatus.CANCELED: OrderStatus.CANCELED,
    AlgoStatus.EXPIRED: OrderStatus.EXPIRED,
    AlgoStatus.REJECTED: OrderStatus.REJECTED,
}


class SimulatedAccount:
    """Carries out commands at once and tells what the exchange answers and what its user stream would say."""

    def __init__(self, exchange: SimulatedExchange, account_id: str) -> None:
        self._exchange = exchange
        self._id = account_id

    def answer(self, command: ExchangeCommand) -> Sequence[Input]:
        """The request's answer as the engine's inputs."""
        match command:
            case SubmitOrder(client_order_id=cid, request=request):
                return [self._submit(cid, request)]
            case CancelOrder(ref):
                return [self._cancel(ref)]
            case QueryOrder(ref) | SearchOrder(ref, _):
                return self._query(ref)
            case QueryFills(ref):
                return self._query_fills(ref)
            case ListOpenOrders(symbol):
                return [self._open_orders(symbol)]
            case LookAt(look):
                return [LookedAt(look, self._seen(look))]

    def user_events(self, events: Iterable[Event]) -> list[Input]:
        """What the account's user stream tells of the exchange's events."""
        told: list[Input] = []
        for event in events:
            if getattr(event, "account_id", None) != self._id:
                continue
            if isinstance(event, OrderUpdate):
                told.append(OrderReported(_order_report(event.order)))
                if event.trade is not None:
                    told.append(TradeReported(_fill(event.trade, event.order.client_order_id)))
            elif isinstance(event, AlgoUpdate):
                told.append(OrderReported(_algo_report(event.order)))
        return told

    def snapshot(self, instrument: Instrument, brackets: Sequence[Bracket]) -> TradingSnapshot:
        """What the validation chain looks at, at the exchange's present time."""
        view = self._exchange.account(self._id)
        return TradingSnapshot(
            instrument=instrument,
            quote=self._exchange.quote(instrument.symbol),
            mark_price=self._exchange.mark_price(instrument.symbol),
            now_ms=self._exchange.now_ms,
            account=self._account(instrument),
            brackets=brackets,
            taker_rate=view.taker_commission_rate,
            maker_rate=view.maker_commission_rate,
        )

    def _account(self, instrument: Instrument) -> Account:
        view = self._exchange.account(self._id)
        margin = next(a for a in view.assets if a.asset == instrument.margin_asset)
        positions = tuple(
            Position(
                symbol=p.symbol,
                position_side=p.position_side,
                quantity=p.amount,
                entry_price=p.entry_price,
                mark_price=p.mark_price,
                unrealized_pnl=p.unrealized_profit,
                liquidation_price=p.liquidation_price or None,
                maintenance_margin=p.maintenance_margin,
                isolated_wallet=p.isolated_wallet,
            )
            for p in view.positions
            if p.amount
        )
        config = self._exchange.symbol_config(self._id, instrument.symbol)
        return Account(
            wallet_balance=margin.wallet_balance,
            available_balance=margin.available_balance,
            hedge_mode=view.hedge_mode,
            positions=positions,
            leverage={instrument.symbol: config.leverage},
            isolated=frozenset({instrument.symbol} if config.isolated else ()),
        )

    # --- commands ---------------------------------------------------------------------------------

    def _seen(self, look: Look) -> Seen:
        match look:
            case AccountFor(symbol):
                return self._account(self._exchange.instrument(symbol))
            case BalanceOf(asset):
                assets = self._exchange.account(self._id).assets
                return next((a.wallet_balance for a in assets if a.asset == asset), Decimal(0))
            case ContractOf(symbol):
                return self._exchange.instrument(symbol)
            case QuoteOf(symbol) | PriceAt(_, symbol):
                quote = self._exchange.quote(symbol)
                return quote if isinstance(look, QuoteOf) else quote.mid

    def _submit(self, cid: str, request: OrderRequest) -> Input:
        try:
            if request.type.is_conditional:
                algo = self._exchange.place_algo(self._id, _new_algo_order(cid, request))
                return OrderReported(_algo_report(algo))
            view = self._exchange.place(self._id, _new_order(cid, request))
        except ExchangeError as error:
            return SubmitRefused(cid, Rejection("rejected", error.message, error.code))
        return OrderReported(_order_report(view))

    def _cancel(self, ref: OrderRef) -> Input:
        try:
            if ref.conditional:
                algo = self._exchange.cancel_algo(self._id, client_algo_id=ref.client_order_id)
                return OrderReported(_algo_report(algo))
            view = self._exchange.cancel(self._id, ref.symbol, client_order_id=ref.client_order_id)
        except ExchangeError as error:
            return CancelRefused(ref.client_order_id, Rejection("rejected", error.message, error.code))
        return OrderReported(_order_report(view))

    def _query(self, ref: OrderRef) -> Sequence[Input]:
        cid = ref.client_order_id
        try:
            if ref.conditional:
                algo = self._exchange.algo_order(self._id, client_algo_id=cid)
                if not algo.actual_order_id:
                    return [OrderReported(_algo_report(algo)), QueryAnswered(cid)]
            view = self._exchange.order(self._id, ref.symbol, client_order_id=cid)
        except ExchangeError:
            return [OrderAbsent(cid)]
        return [OrderReported(_order_report(view)), QueryAnswered(cid)]

    def _query_fills(self, ref: OrderRef) -> Sequence[Input]:
        trades = self._exchange.user_trades(self._id, ref.symbol, order_id=ref.order_id, limit=1000)
        fills = [TradeReported(_fill(trade, ref.client_order_id)) for trade in trades]
        return [*fills, QueryAnswered(ref.client_order_id)]

    def _open_orders(self, symbol: str) -> Input:
        ordinary = [_order_report(view) for view in self._exchange.open_orders(self._id, symbol)]
        conditional = [_algo_report(view) for view in self._exchange.open_algo_orders(self._id, symbol)]
        return OpenOrdersListed(symbol, self._exchange.now_ms * 1_000_000, (*ordinary, *conditional))


def _new_order(cid: str, request: OrderRequest) -> NewOrder:
    return NewOrder(
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        client_order_id=cid,
        quantity=request.quantity,
        price=request.price,
        time_in_force=request.time_in_force,
        position_side=request.position_side,
        reduce_only=request.reduce_only,
        price_match=request.price_match,
        good_till_date_ms=request.good_till_date_ms or 0,
    )


def _new_algo_order(cid: str, request: OrderRequest) -> NewAlgoOrder:
    trails = request.type is OrderType.TRAILING_STOP_MARKET
    return NewAlgoOrder(
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        client_algo_id=cid,
        quantity=request.quantity,
        price=request.price,
        trigger_price=None if trails else request.trigger_price,
        activation_price=request.trigger_price if trails else None,
        callback_rate=request.callback_rate,
        working_type=request.working_type or WorkingType.CONTRACT_PRICE,
        time_in_force=request.time_in_force or TimeInForce.GTC,
        position_side=request.position_side,
        reduce_only=request.reduce_only,
        close_position=request.close_position,
        price_protect=request.price_protect,
        price_match=request.price_match,
        good_till_date_ms=request.good_till_date_ms or 0,
    )


def _order_report(view: OrderView) -> OrderReport:
    return OrderReport(
        client_order_id=view.client_order_id,
        symbol=view.symbol,
        status=view.status,
        executed_quantity=view.executed_quantity,
        time_ms=view.update_time_ms,
        order_id=view.order_id,
        algo_id=view.algo_id or None,
        average_price=view.average_price or None,
        price=view.price or None,
    )


def _algo_report(view: AlgoOrderView) -> OrderReport:
    """An untriggered conditional order; once it has triggered, the order it became tells the rest."""
    return OrderReport(
        client_order_id=view.client_algo_id,
        symbol=view.symbol,
        status=_ALGO_STATUS.get(view.status, OrderStatus.NEW),
        executed_quantity=Decimal(0),
        time_ms=view.update_time_ms,
        order_id=view.actual_order_id or None,
        algo_id=view.algo_id,
        price=view.price or None,
        reason=view.reject_reason or None,
    )


def _fill(trade: TradeView, cid: str) -> Fill:
    return Fill(
        symbol=trade.symbol,
        client_order_id=cid,
        order_id=trade.order_id,
        trade_id=trade.trade_id,
        side=trade.side,
        price=trade.price,
        quantity=trade.quantity,
        commission=trade.commission,
        commission_asset=trade.commission_asset,
        realized_pnl=trade.realized_pnl,
        is_maker=trade.maker,
        time_ms=trade.time_ms,
    )
