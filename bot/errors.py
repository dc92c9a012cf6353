"""All errors of the bot, in one tree.

SopbotError
 ├─ SettingsError          a setting is missing, misspelt or wrong: the process exits with 78
 ├─ InputError             data from outside cannot be used; names the field
 │   └─ TooLarge           … because it is over a limit
 ├─ NotFound               no object has that name or id
 ├─ Refused                a person may not do that, or not now; the reason is for them
 │   ├─ AlreadyProposed    … because the same is proposed already: there is one card for it
 │   └─ SubmitAgain        … unless the person submits the modal once more, having read why
 └─ OutsideError           another system failed; `permanent` says whether to try again
     ├─ SlackRefused       Slack answered with an error name
     ├─ StoreError         the database file cannot be used
     ├─ AdvisorError       an advisor gave no usable answer
     │   └─ AdvisorBusy    … because every slot is taken
     ├─ GatewayUnavailable the gateway was not reached: nothing was sent
     ├─ GatewayRejected    the gateway says the request is our fault (400, 401, 422 …)
     └─ OutcomeUnknown     the request was sent and no answer arrived

A class docstring is the default message for people. One place turns these into Slack text
(`handlers.listeners.errors`), one into HTTP (`bot.web.errors`).
"""

from __future__ import annotations

import inspect

from bot.language import deferred


class SopbotError(Exception):
    """Something went wrong inside the bot. The log has the details."""

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        message = message or inspect.cleandoc(self.__doc__ or type(self).__name__)
        self.translatable = (message, remedy)
        """The message and the remedy; both are also text in English."""
        # Plain strings: what is logged, recorded and answered over HTTP stays English.
        self.message, self.remedy = str(message), str(remedy)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(SopbotError):
    """The settings are not usable."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class InputError(SopbotError):
    """This cannot be read as an alert or a request."""

    def __init__(self, message: str = "", *, field: str = "", remedy: str = "") -> None:
        self.field = field
        super().__init__(message, remedy=remedy)


class TooLarge(InputError):
    """The body is over the limit of 1 MiB."""


class NotFound(SopbotError):
    """Nothing has that name."""


class Refused(SopbotError):
    """This is not allowed."""

    def __init__(self, message: str = "", *, remedy: str = "", reason: str = "") -> None:
        self.reason = reason
        """The code of the blocker or of the vote's problem; '' for any other refusal."""
        super().__init__(message, remedy=remedy)


class AlreadyProposed(Refused):
    """The same action is proposed already."""

    def __init__(self, title: str, state: str) -> None:
        super().__init__(
            deferred("Already proposed: {title} is {state}.", title=title, state=deferred(state)),
            remedy=deferred("See its card in the thread."),
        )


class SubmitAgain(Refused):
    """Submit the form once more to confirm it."""

    def __init__(self, message: str, *, seen: str, remedy: str = "") -> None:
        self.seen = seen
        """The version that the person has seen: the modal's next submission carries it."""
        super().__init__(message, remedy=remedy)


class OutsideError(SopbotError):
    """Another system failed."""

    def __init__(
        self,
        message: str = "",
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        remedy: str = "",
    ) -> None:
        self.permanent = permanent
        self.retry_after = retry_after
        super().__init__(message, remedy=remedy)


class SlackRefused(OutsideError):
    """Slack refused the call."""

    def __init__(
        self, error: str, *, permanent: bool, retry_after: float | None = None, detail: str = ""
    ) -> None:
        self.error = error
        message = f"Slack refused: {error}" + (f" ({detail})" if detail else "")
        super().__init__(message, permanent=permanent, retry_after=retry_after)


class StoreError(OutsideError):
    """The store cannot be used."""


class AdvisorError(OutsideError):
    """The advisor gave no usable answer."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        remedy: str = "",
    ) -> None:
        self.kind = kind
        super().__init__(message, permanent=permanent, retry_after=retry_after, remedy=remedy)


class AdvisorBusy(AdvisorError):
    """Every advisor slot is taken."""


class BudgetSpent(AdvisorError):
    """The policy's budget for the advisors is spent, so none is asked."""


class GatewayUnavailable(OutsideError):
    """The gateway was not reached. Nothing was sent."""


class GatewayRejected(OutsideError):
    """The gateway rejected the request."""

    def __init__(
        self, message: str = "", *, status: int = 0, code: str = "", remedy: str = ""
    ) -> None:
        self.status = status
        self.code = code  # the gateway's own code, '' without one
        super().__init__(message, permanent=True, remedy=remedy)


class OutcomeUnknown(OutsideError):
    """The request was sent and no answer came back. What happened is not known."""
