"""Language models: who is asked for what, clients (endpoint, mailbox, record, script), reading replies."""

from kernelevo.llm.bandit import Arm, Bandit
from kernelevo.llm.calls import ROLES, Book, Call, Ended, Purpose, Role
from kernelevo.llm.client import (
    Client,
    EndpointBusy,
    EndpointError,
    Message,
    ModelRefused,
    RateLimited,
    Reply,
    ReplyTimeout,
    Usage,
    digest,
    prompt_hash,
)
from kernelevo.llm.limits import Limits
from kernelevo.llm.mailbox import MailboxClient
from kernelevo.llm.models import Answer, Model, Models
from kernelevo.llm.openai_client import OpenAIClient
from kernelevo.llm.parsing import Extracted, extract
from kernelevo.llm.prices import Price
from kernelevo.llm.reading import Read, read
from kernelevo.llm.replay import Record, ReplayClient
from kernelevo.llm.retry import RetryPolicy
from kernelevo.llm.scripted import ScriptedClient

__all__ = [
    "ROLES",
    "Answer",
    "Arm",
    "Bandit",
    "Book",
    "Call",
    "Client",
    "Ended",
    "EndpointBusy",
    "EndpointError",
    "Extracted",
    "Limits",
    "MailboxClient",
    "Message",
    "Model",
    "ModelRefused",
    "Models",
    "OpenAIClient",
    "Price",
    "Purpose",
    "RateLimited",
    "Read",
    "Record",
    "ReplayClient",
    "Reply",
    "ReplyTimeout",
    "RetryPolicy",
    "Role",
    "ScriptedClient",
    "Usage",
    "digest",
    "extract",
    "prompt_hash",
    "read",
]
