"""The watch's counters as Prometheus reads them, drawn from `Vitals` when asked: nothing is counted twice."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot.ports import Vitals


class _Collector:
    """What prometheus-client calls a custom collector."""

    def __init__(self, vitals: Callable[[], Vitals], pushed: Callable[[], dict[str, int]]) -> None:
        self._vitals = vitals
        self._pushed = pushed

    def collect(self) -> Iterator[Metric]:
        vitals = self._vitals()
        by = "cluster"
        yield _counts("telemox_polls", "Polls of a cluster that were answered.", by, vitals.polls)
        yield _counts("telemox_poll_failures", "Polls that were not.", by, vitals.failures)
        yield _gauges("telemox_poll_seconds", "How long the last good poll took.", by, vitals.took)
        yield _gauges("telemox_tick_cpu_seconds", "CPU time of the last look.", by, vitals.ticks)
        ages = {pulse.cluster: pulse.age for pulse in vitals.pulse if pulse.age is not None}
        yield _gauges("telemox_data_age_seconds", "Seconds since the last good poll.", by, ages)
        alerts = GaugeMetricFamily("telemox_alerts", "Alerts as they stand.", labels=["state", "severity"])
        for (state, severity), count in vitals.alerts.items():
            alerts.add_metric([state, severity], count)
        yield alerts
        yield CounterMetricFamily("telemox_messages", "Alert messages that Telegram accepted.", value=vitals.told)
        yield _counts("telemox_telegram_errors", "What Telegram did not take.", "reason", vitals.lost)
        yield GaugeMetricFamily("telemox_outbox", "Messages that wait to be told.", value=vitals.outbox)
        yield GaugeMetricFamily("telemox_outbox_seconds", "How long the oldest of them waits.", value=vitals.waiting)
        yield GaugeMetricFamily("telemox_deaf_seconds", "How long Telegram is not reached.", value=vitals.deaf)
        yield _counts("telemox_notifications", "POST /pve/notify by outcome.", "outcome", self._pushed())


def _counts(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _gauges(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family


class Metrics:
    def __init__(self, vitals: Callable[[], Vitals], pushed: Callable[[], dict[str, int]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(vitals, pushed))

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)
