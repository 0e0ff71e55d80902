"""TABLE: what can be shown. One file a page; its line here makes it a command, a help line and a menu entry.

To add a page: write `bot/pages/<name>.py` (of alerts: in `alerting/`) with `load`, `draw` and `PAGE` (page.py says
how), and put it in the list below, where /help shall show it. Its screens are held by golden files: see tests/pages/.
"""

from collections.abc import Mapping

from bot.pages import (
    audit,
    freeze,
    ids,
    manual,
    narrow,
    node,
    nodes,
    status,
    storage,
    task,
    tasks,
    troubles,
    vm,
    vms,
    whoami,
)
from bot.pages.alerting import (
    alerts,
    digests,
    history,
    hush,
    maintenance,
    pin,
    quiet,
    silence,
    silences,
    subscribe,
    why,
)
from bot.pages.page import Enquiry, Page

_TABLE: tuple[Page, ...] = (
    status.PAGE,
    troubles.PAGE,
    alerts.PAGE,
    vms.PAGE,
    vm.PAGE,
    nodes.PAGE,
    node.PAGE,
    storage.PAGE,
    tasks.PAGE,
    why.PAGE,
    history.PAGE,
    silences.PAGE,
    silence.PAGE,
    maintenance.PAGE,
    subscribe.PAGE,
    subscribe.END,
    quiet.PAGE,
    quiet.ZONE,
    digests.PAGE,
    pin.PAGE,
    pin.UNPIN,
    pin.TEST,
    whoami.PAGE,
    ids.PAGE,
    freeze.PAGE,
    freeze.THAW,
    audit.PAGE,
    digests.AUDIT,
    manual.PAGE,
    manual.START,
    # opened by buttons alone
    vm.MORE,
    narrow.PAGE,
    task.PAGE,
    task.LOG,
    audit.FILE,
    alerts.ONE,
    alerts.AGAIN,
    hush.PAGE,
    silences.ONE,
)

PAGES: Mapping[str, Page] = {page.key: page for page in _TABLE}

__all__ = ["PAGES", "Enquiry", "Page"]
