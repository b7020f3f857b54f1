"""One publisher's server, asked at its own pace and again where an answer did not come."""

from __future__ import annotations

import json
import random
import re
import time
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import httpx2
import tenacity

from entrepot.errors import AccessError, FetchError, OptionError, TruncatedFileError
from entrepot.sources.fetching.answers import asked_wait, saying, what_it_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self, TypeVar

    from entrepot.sources.fetching.questions import Patience

    _T = TypeVar("_T")

__all__ = ["Client"]

_PASSING: Final = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_MOST_REDIRECTS: Final = 10
_CONNECT_SECONDS: Final = 30.0
#: An error body is read so far; what a server has to say stands at its beginning.
_ERROR_BYTES: Final = 65_536
#: How the library says that less came than was promised.
_CUT: Final = re.compile(r"received (\d+) bytes, expected (\d+)")
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
_GOES_ON: Final = "repeat the command later: what is there is kept, and it goes on where it stopped"


class Client:
    """A connection to one publisher.

    Parameters
    ----------
    base_url
        Address below which the publisher's paths lie.
    patience
        How often and how long to wait.
    pause
        Seconds between two requests.
    key_header, key
        Header and key; the key goes to the host of ``base_url`` and nowhere else.
    tell
        Is told why there is a wait.

    Raises
    ------
    OptionError
        ``base_url`` is no address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        patience: Patience,
        pause: float = 0.0,
        key_header: str = "",
        key: str = "",
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        try:
            self._base = httpx2.URL(base_url)
        except httpx2.InvalidURL as error:
            raise OptionError(
                f"this is no address: {error}", where="--base-url", hint="write https://host/path"
            ) from error
        self._patience = patience
        self._pause = pause if patience.pause is None else patience.pause
        self._key_header = key_header
        self._key = key
        self._tell = tell
        self._next_request = 0.0
        self._http = httpx2.Client(
            headers={"User-Agent": f"entrepot/{version('entrepot')}"},
            timeout=httpx2.Timeout(patience.answer_wait, connect=min(_CONNECT_SECONDS, patience.answer_wait)),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def has_key(self) -> bool:
        """Whether questions carry a key."""
        return bool(self._key)

    def address(self, url: str) -> str:
        """Return the full address of a path, or of an address that is full already."""
        if url.startswith(("http://", "https://")):
            return url
        base = str(self._base).rstrip("/")
        return f"{base}/{url.lstrip('/')}" if url else base

    def quoted(self, body: bytes) -> str:
        """Return what a server says, in quotes and without the key, should it repeat it."""
        # The key goes first: what is clipped afterwards cannot hold a piece of it.
        return repr(saying(body.replace(self._key.encode(), b"***") if self._key else body))

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def json(self, url: str, params: Mapping[str, str]) -> Any:
        """Return the JSON of a small answer, such as a list of what there is.

        Raises
        ------
        AccessError
            The server refuses the key or throttles on.
        FetchError
            It does not answer, or not with JSON.
        """
        body = self.body(url, params)
        try:
            return json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise FetchError(
                f"the server answered {what_it_is(body[:512])} in place of JSON: "
                f"{self.quoted(body[:_ERROR_BYTES])}",
                where=self.address(url),
                hint="open the address in a browser; if it is an outage, repeat the command later",
            ) from error

    def body(self, url: str, params: Mapping[str, str]) -> bytes:
        """Return the bytes of a small answer."""

        def ask() -> bytes:
            with self.answer(url, params) as response:
                return response.read()

        return self.persistently(ask, where=self.address(url))

    def persistently(self, ask: Callable[[], _T], *, where: str) -> _T:
        """Return what ``ask`` returns, asking again after what passes by itself.

        Raises
        ------
        AccessError
            The server refuses, or throttles to the end.
        FetchError
            It does not answer as it should, to the end.
        TruncatedFileError
            Every answer was cut short.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._patience.attempts),
            retry=tenacity.retry_if_exception(self._is_passing),
            wait=self._wait,
            before_sleep=self._explain,
            reraise=True,
        )
        try:
            return retrying(ask)
        except httpx2.HTTPError as error:
            raise self._as_ours(error, where) from error
        except httpx2.InvalidURL as error:
            raise FetchError(
                f"this is no address: {error}", where=where, hint="report it, if you gave no --base-url"
            ) from error

    @contextmanager
    def answer(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        """Give the answer to one request, its body not read yet; redirects are followed.

        Raises
        ------
        httpx2.HTTPError
            There is no answer, or its status is an error (416 and 304 are answers).
        """
        self._keep_pace()
        request = self._http.build_request(
            "GET", self.address(url), params=dict(params) or None, headers=dict(headers or {})
        )
        response = self._followed(request)
        try:
            if response.status_code >= 400 and response.status_code != 416:
                body = bytearray()
                for block in response.iter_bytes():
                    body += block
                    if len(body) > _ERROR_BYTES:
                        break
                request.extensions["body"] = bytes(body)
                message = f"status {response.status_code}"
                raise httpx2.HTTPStatusError(message, request=request, response=response)
            yield response
        finally:
            response.close()

    def _followed(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and follow redirects: the key stays with the publisher's host."""
        for _ in range(_MOST_REDIRECTS):
            self._dress(request)
            response = self._http.send(request, stream=True, follow_redirects=False)
            if response.status_code not in _REDIRECTS or response.next_request is None:
                return response
            response.close()
            following = response.next_request
            if request.url.scheme == "https" and following.url.scheme != "https":
                message = f"redirected from https to {following.url.scheme}"
                raise httpx2.UnsupportedProtocol(message, request=request)
            request = following
        message = f"more than {_MOST_REDIRECTS} redirects"
        raise httpx2.TooManyRedirects(message, request=request)

    def _dress(self, request: httpx2.Request) -> None:
        if not self._key:
            return
        ours = (self._base.scheme, self._base.host, self._base.port)
        if (request.url.scheme, request.url.host, request.url.port) == ours:
            request.headers[self._key_header] = self._key
        elif self._key_header in request.headers:
            del request.headers[self._key_header]

    def _keep_pace(self) -> None:
        wait = self._next_request - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next_request = time.monotonic() + self._pause

    # --- asking again

    def _is_passing(self, error: BaseException) -> bool:
        """Tell whether the same question may well be answered a little later."""
        if isinstance(error, httpx2.HTTPStatusError):
            asked = _asked(error) or 0.0
            return error.response.status_code in _PASSING and asked <= self._patience.longest_asked_wait
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.ProxyError):
            return False
        if _UNTRUSTED in str(error):
            return False
        return isinstance(error, httpx2.TransportError | TruncatedFileError)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = _asked(error)
        if asked:
            return asked
        doubled = self._patience.first_wait * 2.0 ** (state.attempt_number - 1)
        return min(doubled, self._patience.longest_wait) * random.uniform(0.75, 1.0)  # noqa: S311  (no secret)

    def _explain(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        self._tell(
            f"{self._short(error)}; waiting {seconds:.0f} s, "
            f"then try {state.attempt_number + 1} of {self._patience.attempts}"
        )

    def _short(self, error: BaseException | None) -> str:
        if isinstance(error, httpx2.HTTPStatusError):
            return f"the server answers {error.response.status_code}"
        if isinstance(error, httpx2.TimeoutException):
            return "the server does not answer"
        if isinstance(error, TruncatedFileError):
            return error.what
        if cut := _CUT.search(str(error)):
            return f"the connection broke after {int(cut[1]):,} of {int(cut[2]):,} bytes"
        return f"the connection broke ({self._clean(str(error)) or type(error).__name__})"

    # --- errors of the library as errors of ours

    def _as_ours(self, error: httpx2.HTTPError, where: str) -> FetchError:
        if isinstance(error, httpx2.HTTPStatusError):
            return self._refusal(error)
        tries = f"after {self._patience.attempts} tries" if self._is_passing(error) else "at once"
        if isinstance(error, httpx2.TimeoutException):
            return FetchError(f"the server gave no answer, {tries}", where=where, hint=_GOES_ON)
        reason = self._clean(str(error)) or type(error).__name__
        if _UNTRUSTED in reason:
            return FetchError(
                f"the server's certificate is not trusted: {reason}",
                where=where,
                hint="install the certificates of your system (ca-certificates), or your proxy's own",
            )
        return FetchError(
            f"the connection failed {tries}: {reason}",
            where=where,
            hint=f"check the network, a proxy (HTTPS_PROXY) and --base-url; {_GOES_ON}",
        )

    def _refusal(self, error: httpx2.HTTPStatusError) -> FetchError:
        status, where = error.response.status_code, str(error.request.url)
        body = _said(error)
        said = saying(body)
        quoted = f": {self.quoted(body)}" if said else ""
        asked = _asked(error)
        again = f" The server says to ask again in {_words(asked)}." if asked else ""
        if status == 401 or (status == 403 and self._key and not asked and "quota" not in said.casefold()):
            return AccessError(
                f"the publisher refuses the key ({status}){quoted}",
                where=where,
                hint="check the key, and the product that it was issued for; then repeat the command",
            )
        if status == 429 or (status == 403 and (asked or "quota" in said.casefold())):
            return AccessError(
                f"the publisher does not answer more questions now ({status}){quoted}.{again}",
                where=where,
                hint=_GOES_ON,
            )
        if status in _PASSING:
            return FetchError(
                f"the server answers {status} after {self._patience.attempts} tries{quoted}.{again}",
                where=where,
                hint=_GOES_ON,
            )
        hint = {
            403: "a browser may show why; some publishers refuse some networks",
            404: "the publisher has no such file: check periods, revision and release",
            410: "the publisher has taken it away: check periods, revision and release",
            414: "the question is too long: give fewer codes at a time",
        }.get(status, "check what is asked for; the server's words stand above")
        return FetchError(f"the server answers {status}{quoted}", where=where, hint=hint)


def _said(error: httpx2.HTTPStatusError) -> bytes:
    body = error.request.extensions.get("body", b"")
    return body if isinstance(body, bytes) else b""


def _asked(error: BaseException | None) -> float | None:
    if not isinstance(error, httpx2.HTTPStatusError):
        return None
    return asked_wait(error.response.headers, _said(error))


def _words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
