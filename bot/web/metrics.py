"""The watch's counters as Prometheus reads them, drawn from `Vitals` when asked: nothing is counted twice."""

from collections.abc import Callable, Iterator

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
        by_cluster = ["cluster"]
        polls = CounterMetricFamily("telemox_polls", "Polls of a cluster that were answered.", labels=by_cluster)
        for cluster, count in vitals.polls.items():
            polls.add_metric([cluster], count)
        yield polls
        failures = CounterMetricFamily("telemox_poll_failures", "Polls that were not.", labels=by_cluster)
        for cluster, count in vitals.failures.items():
            failures.add_metric([cluster], count)
        yield failures
        took = GaugeMetricFamily("telemox_poll_seconds", "How long the last good poll took.", labels=by_cluster)
        for cluster, seconds in vitals.took.items():
            took.add_metric([cluster], seconds)
        yield took
        ticks = GaugeMetricFamily("telemox_tick_cpu_seconds", "CPU time of the last look.", labels=by_cluster)
        for cluster, seconds in vitals.ticks.items():
            ticks.add_metric([cluster], seconds)
        yield ticks
        age = GaugeMetricFamily("telemox_data_age_seconds", "Seconds since the last good poll.", labels=by_cluster)
        for pulse in vitals.pulse:
            if pulse.age is not None:
                age.add_metric([pulse.cluster], pulse.age)
        yield age
        alerts = GaugeMetricFamily("telemox_alerts", "Alerts as they stand.", labels=["state", "severity"])
        for (state, severity), count in vitals.alerts.items():
            alerts.add_metric([state, severity], count)
        yield alerts
        yield CounterMetricFamily("telemox_messages", "Alert messages that Telegram accepted.", value=vitals.told)
        lost = CounterMetricFamily("telemox_telegram_errors", "What Telegram did not take.", labels=["reason"])
        for reason, count in vitals.lost.items():
            lost.add_metric([reason], count)
        yield lost
        yield GaugeMetricFamily("telemox_outbox", "Messages that wait to be told.", value=vitals.outbox)
        yield GaugeMetricFamily("telemox_outbox_seconds", "How long the oldest of them waits.", value=vitals.waiting)
        yield GaugeMetricFamily("telemox_deaf_seconds", "How long Telegram is not reached.", value=vitals.deaf)
        pushed = CounterMetricFamily("telemox_notifications", "POST /pve/notify by outcome.", labels=["outcome"])
        for outcome, count in self._pushed().items():
            pushed.add_metric([outcome], count)
        yield pushed


class Metrics:
    def __init__(self, vitals: Callable[[], Vitals], pushed: Callable[[], dict[str, int]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(vitals, pushed))

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)
