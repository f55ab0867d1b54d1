"""What a graph's nodes work with: the team, the workspace, and the rest of the budget."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from agents.agent import AgentReply, AgentTask, AskPermission, Usage
from agents.command_runner import RunCommand
from agents.errors import ReplyInvalid
from agents.events import AgentSaid, UsageReported
from agents.roles import Role
from workflows.budget import Budget
from workflows.instructions import Instructions
from workflows.reports import AgentReport, Say
from workflows.team import Team

ReplyT = TypeVar("ReplyT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowContext:
    """A graph's context.

    Attributes:
        run_id: The run.
        workflow: The name of what it runs.
        workspace: Existing directory the agents work in.
        team: Who fills which role.
        budget: The rest of the run's limits.
        commands: Runs a command as a child process of this server, which ends it with all the others.
        private_directory: For what must not be in the state, because every state is stored and sent: a directory
            outside the workspace that belongs to this run alone. Whoever needs it makes it; it is removed when the run
            is over, and is still there for a run that is resumed.
        instructions: What people have added to the run since it began; every agent is told.
        ask_permission: Whom agents ask for what their role does not allow; None if nobody is to be asked.
        conversations: Session ids of agents' conversations that an interruption has cut off, by agent; each is gone on
            with once.
        untold: Reports of usage that was charged, until they have come out of the graph, by `id` of what is said: a
            graph that is stopped hands on nothing any more.
    """

    run_id: str
    workspace: Path
    team: Team
    budget: Budget
    commands: RunCommand
    private_directory: Path
    workflow: str = ""
    instructions: Instructions = field(default_factory=Instructions)
    ask_permission: AskPermission | None = None
    conversations: dict[str, str] = field(default_factory=dict[str, str])
    untold: dict[int, AgentReport] = field(default_factory=dict[int, AgentReport])

    async def perform(
        self,
        role: Role,
        prompt: str,
        say: Say,
        *,
        reply_model: type[BaseModel] | None = None,
        as_agent: str = "",
        cost_share: float = 1.0,
    ) -> AgentReply:
        """Have a role's agent do something, within what is left of the budget.

        Args:
            role: In which role.
            prompt: What to do.
            say: The node's stream writer.
            reply_model: Shape of a typed reply, or None for free text.
            as_agent: The name under which it is reported; empty for the role's. Those who work in one role side by side
                need names of their own.
            cost_share: The part of what is left of the money that this work may use, above 0 and up to 1: those who
                work side by side must not each spend all of it.

        Raises:
            agents.errors.AgentError: It could not be finished.
        """
        self.budget.check()
        agent, cost_left = as_agent or role.name, self.budget.cost_left()

        def emit(said: AgentSaid) -> None:
            report = AgentReport(agent, said)
            if isinstance(said, UsageReported):
                self.budget.charge(Usage(said.input_tokens, said.output_tokens, said.cost_usd))
                self.untold[id(said)] = report
            say(report)

        task = AgentTask(
            role=role.name,
            prompt=self._with_instructions(prompt),
            instructions=role.instructions,
            workspace=self.workspace,
            access=role.access,
            web=role.web,
            connected_tools=role.connected_tools,
            allowed_tools=role.allowed_tools,
            reply_model=reply_model,
            max_seconds=self.budget.seconds_left(),
            max_cost_usd=None if cost_left is None else cost_left * cost_share,
            max_turns=role.max_turns,
            run_id=self.run_id,
            workflow=self.workflow,
            ask_permission=self.ask_permission if role.access == "write" else None,
            # A typed reply is the end of a conversation: what comes later is for the next task's prompt.
            next_instruction=self.instructions.later() if reply_model is None else None,
            resume_session=self.conversations.pop(agent, ""),
        )
        return await self.team.agent_for(role.name).run(task, emit)

    def _with_instructions(self, prompt: str) -> str:
        texts = self.instructions.texts
        if not texts:
            return prompt
        told = "\n".join(f"- {text}" for text in texts)
        head = "Instructions that were added while the work was under way; they go before what was said above:"
        return f"{prompt}\n\n{head}\n{told}"

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
