"""What a graph's nodes work with: the team, the workspace, and the rest of the budget."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from agents.agent import AgentReply, AgentTask, Usage
from agents.command_runner import RunCommand
from agents.errors import ReplyInvalid
from agents.events import AgentSaid, UsageReported
from agents.roles import Role
from workflows.budget import Budget
from workflows.reports import AgentReport, Say
from workflows.team import Team

ReplyT = TypeVar("ReplyT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowContext:
    """A graph's context.

    Attributes:
        run_id: The run.
        workspace: Existing directory the agents work in.
        team: Who fills which role.
        budget: The rest of the run's limits.
        commands: Runs a command as a child process of this server, which ends it with all the others.
        private_directory: For what must not be in the state, because every state is stored and sent: a directory
            outside the workspace that belongs to this run alone. Whoever needs it makes it; it is removed when the run
            is over, and is still there for a run that is resumed.
    """

    run_id: str
    workspace: Path
    team: Team
    budget: Budget
    commands: RunCommand
    private_directory: Path

    async def perform(
        self, role: Role, prompt: str, say: Say, *, reply_model: type[BaseModel] | None = None
    ) -> AgentReply:
        """Have a role's agent do something, within what is left of the budget.

        Args:
            role: In which role.
            prompt: What to do.
            say: The node's stream writer.
            reply_model: Shape of a typed reply, or None for free text.

        Raises:
            agents.errors.AgentError: It could not be finished.
        """
        self.budget.check()

        def emit(said: AgentSaid) -> None:
            if isinstance(said, UsageReported):
                self.budget.charge(Usage(said.input_tokens, said.output_tokens, said.cost_usd))
            say(AgentReport(role.name, said))

        task = AgentTask(
            role=role.name,
            prompt=prompt,
            instructions=role.instructions,
            workspace=self.workspace,
            access=role.access,
            reply_model=reply_model,
            max_seconds=self.budget.seconds_left(),
            max_cost_usd=self.budget.cost_left(),
            max_turns=role.max_turns,
            run_id=self.run_id,
        )
        return await self.team.agent_for(role.name).run(task, emit)

    async def ask(self, role: Role, prompt: str, say: Say, *, reply_model: type[ReplyT]) -> ReplyT:
        """Like `perform`, for a typed reply.

        Raises:
            agents.errors.ReplyInvalid: The agent replied in another shape.
            agents.errors.AgentError: It could not be finished.
        """
        reply = await self.perform(role, prompt, say, reply_model=reply_model)
        if not isinstance(reply.data, reply_model):
            raise ReplyInvalid(f"{role.name} was asked for {reply_model.__name__} and gave none.", partial=reply.text)
        return reply.data
