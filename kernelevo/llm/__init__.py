"""Language models: one protocol and three clients (endpoint, mailbox, script); reading replies."""

from kernelevo.llm.client import Client, EndpointError, Message, Reply, ReplyTimeout, Usage, digest
from kernelevo.llm.mailbox import MailboxClient
from kernelevo.llm.openai_client import OpenAIClient
from kernelevo.llm.parsing import Extracted, extract
from kernelevo.llm.retry import RetryPolicy
from kernelevo.llm.scripted import ScriptedClient

__all__ = [
    "Client",
    "EndpointError",
    "Extracted",
    "MailboxClient",
    "Message",
    "OpenAIClient",
    "Reply",
    "ReplyTimeout",
    "RetryPolicy",
    "ScriptedClient",
    "Usage",
    "digest",
    "extract",
]
