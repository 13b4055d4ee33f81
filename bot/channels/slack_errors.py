"""What a failed call to Slack means: which of the errors of core it is."""

from __future__ import annotations

import re

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot.core.errors import BadMarkup, BotError, MaybeSent, NotSent, Refused, SlowDown, TokenDead

CALL_FAILURES = (SlackApiError, SlackRequestError, aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""All that a call of the library may raise."""
_REFUSALS = {
    "is_archived": "archived",
    "channel_not_found": "not_found",
    "not_in_channel": "kicked",
    "user_not_in_channel": "kicked",
    "restricted_action": "rights",
    "restricted_action_read_only_channel": "rights",
    "restricted_action_thread_only_channel": "rights",
    "posting_to_general_channel_denied": "rights",
    "cannot_dm_bot": "blocked",
    "user_disabled": "deactivated",
    "messages_tab_disabled": "blocked",
    "missing_scope": "rights",
    "thread_not_found": "message_gone",
    "message_not_found": "message_gone",
    "cant_update_message": "message_gone",
    "edit_window_closed": "message_gone",
}
_DEAD_TOKENS = (
    "token_revoked",
    "token_expired",
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "org_login_required",
)
_MARKUP = (
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "invalid_metadata_format",
)
_UNSURE = ("internal_error", "fatal_error", "request_timeout", "service_unavailable")


def explained(error: Exception) -> BotError:
    """The library's exception as what to do next."""
    if isinstance(error, SlackApiError):
        response = error.response
        data = getattr(response, "data", response)  # no dict when a proxy answered in HTML
        code = str(data.get("error") or "") if isinstance(data, dict) else ""
        status = int(getattr(response, "status_code", 200) or 200)
        headers = {k.lower(): v for k, v in dict(getattr(response, "headers", {}) or {}).items()}
        if status == 429 or code in ("ratelimited", "rate_limited"):
            wait = str(headers.get("retry-after", "1"))
            after = min(86400.0, max(1.0, float(wait) if re.fullmatch(r"\d+(\.\d+)?", wait) else 1.0))
            # Posting is counted by channel; the others may go on.
            return SlowDown("Slack asks to wait", after_s=after, whole_bot=False)
        if code in _DEAD_TOKENS:
            return TokenDead(f"Slack refuses the token ({code}); install the app again and set the new tokens")
        if code in _REFUSALS:
            return Refused(f"Slack: {code}", reason=_REFUSALS[code])
        if code in _MARKUP:
            return BadMarkup(f"Slack cannot take the message as it is ({code})")
        if code in _UNSURE or status >= 500 or not code:
            return MaybeSent(f"Slack failed inside ({code or status})")
        return Refused(f"Slack: {code}", reason="rights")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotSent("Slack cannot be reached")
    return MaybeSent(f"Slack's answer did not come ({type(error).__name__})")
