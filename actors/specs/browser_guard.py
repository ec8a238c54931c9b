"""Keeps a page within bounds: dialogs, downloads, popups, and hosts it may reach."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.specs.allow_list import AllowList
from actors.specs.failure import StepFailed

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Download, Page, Request, Route

    from actors.specs.egress import PageEgress

MOST = 20
"""Dialogs, downloads or popups of one test."""


@dataclass  # without slots: playwright keeps its wrappers of listeners in their owner
class BrowserGuard:
    """Listens to one page; `check` tells what it did that it must not do."""

    allow: AllowList
    dialogs: str = "dismiss"
    trouble: str = ""
    seen_dialogs: int = 0
    seen_downloads: int = 0
    seen_popups: int = 0
    egress: "PageEgress | None" = None
    told: int = 0
    refused: int = 0

    def watch(self, page: "Page") -> None:
        """Listen from now on."""
        page.on("dialog", self._dialog)
        page.on("download", self._download)
        page.on("popup", self._popup)
        if not self.allow.is_open:
            page.context.route("**/*", self._route)
            page.context.on("request", self._request)

    def check(self) -> None:
        """Raise if the page went too far.

        Raises:
            StepFailed: it did.
        """
        if self.trouble:
            raise StepFailed(self.trouble)

    def news(self) -> list[str]:
        """What the proxy has refused since this was asked last."""
        denied = self.egress.denied if self.egress else []
        begun, self.told = self.told, len(denied)
        return [each.decision.reason for each in denied[begun : self.told]]

    def _dialog(self, dialog: "Dialog") -> None:
        self.seen_dialogs += 1
        if self.seen_dialogs > MOST:
            self._went_too_far("dialogs")
        if self.dialogs == "accept" and self.seen_dialogs <= MOST:
            dialog.accept()
        else:
            dialog.dismiss()

    def _download(self, download: "Download") -> None:
        """Nothing is kept: a page could fill the disk."""
        self.seen_downloads += 1
        if self.seen_downloads > MOST:
            self._went_too_far("downloads")
        download.cancel()

    def _popup(self, popup: "Page") -> None:
        self.seen_popups += 1
        if self.seen_popups > MOST:
            self._went_too_far("popups")
            popup.close()

    def _route(self, route: "Route", request: "Request") -> None:
        if self.allow.permits(request.url) or request.url.startswith(("data:", "blob:", "about:")):
            route.fallback()
            return
        self.refused += 1
        if request.is_navigation_request():
            self._not_allowed(request.url)
        route.abort("blockedbyclient")

    def _request(self, request: "Request") -> None:
        """A redirect is not routed again: the proxy stops it, and it is seen here."""
        if request.redirected_from is not None and not self.allow.permits(request.url):
            self._not_allowed(request.url)

    def _not_allowed(self, url: str) -> None:
        try:
            self.allow.check(url)
        except StepFailed as refused:
            self.trouble = self.trouble or f"the page went where it must not: {refused}"

    def _went_too_far(self, what: str) -> None:
        self.trouble = self.trouble or f"the page opened more than {MOST} {what}"
