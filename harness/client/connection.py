"""One connection pool to the API, with deadlines and with retries of what may be repeated."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from harness.client.problem import error_of
from harness.errors import HarnessError, InvalidInput, Unavailable
from harness.ports.clock import Clock, SystemClock

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
THROUGH_SECONDS = 100.0
MARK = "Ath-Sandbox"
"""A header of what a server in a sandbox answered."""
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)
Params = Mapping[str, str | int | Sequence[str]]
Body = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits."""

    call_seconds: float = 60.0
    """For one call with all its retries, while the API restarts for instance."""
    quiet_seconds: float = 30.0
    """For the next byte."""
    connect_seconds: float = 5.0
    transfer_seconds: float = 900.0
    """For one upload or download with all its retries."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Sends requests; every one of them ends by its deadline."""

    http: httpx.Client
    patience: Patience = field(default_factory=Patience)
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        quiet_seconds: float | None = None,
        once: bool = False,
    ) -> httpx.Response:
        """A response below 400; call it only for what may be sent twice, or say `once`.

        Raises:
            HarnessError: what the API answered; Unavailable when it did not in time.
        """
        pauses = self.pauses(seconds or self.patience.call_seconds)
        timeout = httpx.Timeout(
            quiet_seconds or self.patience.quiet_seconds, connect=self.patience.connect_seconds
        )
        while True:
            try:
                response = self.http.request(
                    method,
                    path,
                    params=dict(params or {}),
                    json=json,
                    content=body() if body else None,
                    headers=dict(headers or {}),
                    timeout=timeout,
                )
                if response.is_success or response.is_redirect or response.status_code == 304:
                    return response
                error = error_of(response)
                if once:
                    raise error
            except httpx.TransportError as trouble:
                error = self.unreachable(trouble)
                if once and not isinstance(trouble, NOTHING_SENT):
                    raise error from trouble
            pauses.wait(error)

    def through(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """What somebody behind the API answers, whatever it is; sent once.

        Raises:
            HarnessError: what the API itself answered instead, or that it did not.
        """
        try:
            response = self.http.request(
                method, path, headers=dict(headers or {}), content=content, timeout=THROUGH_SECONDS
            )
        except httpx.TransportError as trouble:
            raise self.unreachable(trouble) from trouble
        return answered_behind(response)

    @contextmanager
    def open(
        self,
        path: str,
        *,
        method: str = "GET",
        params: Params | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Iterator[httpx.Response]:
        """A response whose body is still to come; one attempt, `seconds` for each next byte.

        Raises:
            HarnessError: what the API answered; Unavailable when the connection broke.
        """
        timeout = httpx.Timeout(
            seconds or self.patience.quiet_seconds, connect=self.patience.connect_seconds
        )
        try:
            with self.http.stream(
                method,
                path,
                params=dict(params or {}),
                json=json,
                headers=dict(headers or {}),
                timeout=timeout,
            ) as response:
                if response.is_error:
                    response.read()
                    raise error_of(response)
                yield response
        except httpx.TransportError as trouble:
            raise self.unreachable(trouble) from trouble

    def pauses(self, seconds: float) -> "Pauses":
        """Growing pauses until a deadline."""
        return Pauses(self.clock, self.clock.monotonic() + seconds, sleep=self.sleep)

    def unreachable(self, trouble: httpx.TransportError) -> HarnessError:
        """What a broken connection means to the caller."""
        return unreachable(self.http.base_url, trouble)


def unreachable(url: httpx.URL, trouble: httpx.TransportError) -> HarnessError:
    """What a broken connection to this API means to the caller."""
    if isinstance(trouble, httpx.UnsupportedProtocol):
        return InvalidInput(f"{url} is no address of an API. Use http://…")
    kind = type(trouble).__name__
    return Unavailable(f"The API at {url} does not answer ({kind}). Is it up? ath status")


def answered_behind(response: httpx.Response) -> httpx.Response:
    """The response, if a server in a sandbox gave it.

    Raises:
        HarnessError: the API said that instead.
    """
    if MARK not in response.headers:
        raise error_of(response)
    return response


@dataclass(slots=True)
class Pauses:
    """Waits between attempts of one call."""

    clock: Clock
    deadline: float
    pause: float = FIRST_PAUSE
    sleep: Callable[[float], None] = time.sleep

    def wait(self, error: HarnessError) -> None:
        """Wait before the next attempt.

        Raises:
            HarnessError: the error itself, when waiting cannot help or the time is over.
        """
        self.sleep(self.next(error))

    def next(self, error: HarnessError) -> float:
        """How long to wait before the next attempt; raises as `wait` does."""
        left = self.deadline - self.clock.monotonic()
        if not error.retryable or left <= self.pause:
            raise error
        pause, self.pause = self.pause, min(2 * self.pause, LONGEST_PAUSE)
        return pause
