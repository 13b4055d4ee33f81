"""What a failed call to Telegram means: which of the errors of core it is."""

from __future__ import annotations

from typing import Any

import httpx
import telegram

from bot.core.errors import BadMarkup, BotError, ChatMoved, MaybeSent, NotSent, Refused, SlowDown, TokenDead

# What the platform says (its words, without regard to case) -> why nothing can be sent there.
_REFUSALS = (
    ("bot was blocked by the user", "blocked"),
    ("user is deactivated", "deactivated"),
    ("bot was kicked", "kicked"),
    ("bot is not a member", "kicked"),
    ("can't initiate conversation", "blocked"),
    ("message to edit not found", "message_gone"),
    ("message can't be edited", "message_gone"),
    ("message_id_invalid", "message_gone"),
    ("chat not found", "not_found"),
    ("peer_id_invalid", "not_found"),
    ("group chat was deactivated", "archived"),
    ("topic_closed", "topic_closed"),
    ("message thread not found", "topic_closed"),
    ("not enough rights", "rights"),
    ("need administrator rights", "rights"),
    ("chat_write_forbidden", "rights"),
    ("have no rights to send", "rights"),
)
_MARKUP = ("can't parse entities", "can't find end", "unsupported start tag", "message is too long", "message_too_long")


def seconds(error: telegram.error.RetryAfter) -> float:
    """How long to wait, in seconds, 1 to 86400."""
    after: Any = error.retry_after
    return max(1.0, min(86400.0, after.total_seconds() if hasattr(after, "total_seconds") else float(after)))


def explained(error: telegram.error.TelegramError, chat_id: str) -> BotError:
    """The library's exception as what to do next. Its texts lose their case on the way, so case is not looked at."""
    text = str(error).lower()
    match error:
        case telegram.error.RetryAfter():
            # Telegram counts a flood against the whole bot, and calls made meanwhile lengthen it.
            return SlowDown("Telegram asks to wait", after_s=seconds(error), whole_bot=True)
        case telegram.error.ChatMigrated():
            return ChatMoved("the group became a supergroup", new_chat_id=f"telegram:{error.new_chat_id}")
        case telegram.error.InvalidToken():
            return TokenDead("Telegram refuses the token; set a new TELEGRAM_BOT_TOKEN")
        case telegram.error.Forbidden() | telegram.error.BadRequest():
            if any(words in text for words in _MARKUP):
                return BadMarkup("Telegram cannot read the message's markup")
            reason = next((r for words, r in _REFUSALS if words in text), "")
            if reason or isinstance(error, telegram.error.Forbidden):
                return Refused(f"Telegram: {str(error)[:200]}", reason=reason or "kicked")
            return BadMarkup(f"Telegram: {str(error)[:200]}")
    if isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotSent("Telegram cannot be reached")
    return MaybeSent(f"Telegram's answer did not come ({type(error).__name__})")
