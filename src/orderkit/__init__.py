"""The order desk in a terminal for Binance USDⓈ-M futures."""

__version__ = "0.1.0"
