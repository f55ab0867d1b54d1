"""How long a child process is waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a child, in seconds.

    Attributes:
        interrupt_seconds: After SIGINT, the only signal after which the CLI may still report result and cost.
        terminate_seconds: After SIGTERM.
        linger_seconds: For a process to end by itself after its last result, or after it closed its output.
    """

    interrupt_seconds: float = 3.0
    terminate_seconds: float = 3.0
    linger_seconds: float = 5.0
