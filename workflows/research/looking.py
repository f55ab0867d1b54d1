"""One researcher's work on one sub-question, and what came of it: done, stopped, or failed.

One researcher that fails is no reason to give up the others' work: what it has found is kept, and what is missing is
said. Only what would fail the others too ends the run: a set-up that does not work, and the limits of the whole run.
"""

from agents.agent import AgentReply
from agents.errors import (
    AgentError,
    AgentUnavailable,
    BillingRefused,
    CostLimitReached,
    ReplyInvalid,
    TimeLimitReached,
)
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.reports import ArtifactReport, Say
from workflows.research.notes import Finding, Looked, Notes
from workflows.research.prompts import researcher_prompt
from workflows.research.source_witness import SourceWitness, relative_place
from workflows.research.state import Part

LONGEST_LOOSE_NOTES = 4000
"""Characters that are kept of what a stopped researcher had said; the last ones."""
_OF_ALL = (AgentUnavailable, BillingRefused, TimeLimitReached)


async def look_into(
    part: Part, role: Role, name: str, context: WorkflowContext, say: Say, *, cost_share: float
) -> Looked:
    """Have a sub-question looked into.

    Args:
        part: The sub-question.
        role: The researcher's.
        name: The researcher's name.
        context: The run's.
        say: The node's stream writer.
        cost_share: As in `WorkflowContext.perform`.

    Raises:
        agents.errors.AgentError: It failed for a reason that holds for the whole run.
    """
    witness = SourceWitness(say, str(context.workspace))
    looked = Looked(number=part["number"], question=part["part"])
    prompt = researcher_prompt(part["question"], part["part"])
    try:
        reply = await context.perform(
            role, prompt, witness.say, reply_model=Notes, as_agent=name, cost_share=cost_share
        )
        notes = _notes_of(reply, role)
    except _OF_ALL:
        raise
    except AgentError as error:
        if isinstance(error, CostLimitReached):
            context.budget.check()  # its share is spent; whether the run's money is, is another question
        if part["parts"] == 1 and not (error.partial.strip() or witness.opened):
            raise
        problem = error.message
        return looked.model_copy(update={"opened": witness.opened, "problem": problem, "text": _loose(error.partial)})
    findings = [_relative(finding, context) for finding in notes.findings]
    say(_artifact(name, part, findings, notes.unanswered))
    update = {
        "findings": findings,
        "unanswered": notes.unanswered.strip(),
        "opened": witness.opened,
        "searched": [source.url for source in reply.sources],
    }
    return looked.model_copy(update=update)


def _notes_of(reply: AgentReply, role: Role) -> Notes:
    if not isinstance(reply.data, Notes):
        raise ReplyInvalid(f"{role.name} was asked for findings and gave none.", partial=reply.text)
    return reply.data


def _relative(finding: Finding, context: WorkflowContext) -> Finding:
    workspace = str(context.workspace)
    return finding.model_copy(update={"sources": [relative_place(place, workspace) for place in finding.sources]})


def _loose(text: str) -> str:
    return text.strip()[-LONGEST_LOOSE_NOTES:]


def _artifact(name: str, part: Part, findings: list[Finding], unanswered: str) -> ArtifactReport:
    lines = [f"# {part['part']}", ""]
    lines += [f"- {finding.claim} ({', '.join(finding.sources) or 'no source'})" for finding in findings]
    if unanswered.strip():
        lines += ["", f"Not found out: {unanswered.strip()}"]
    text = "\n".join(lines) + "\n"
    title = f"Notes on sub-question {part['number']}"
    return ArtifactReport(
        agent=name, name=f"notes-{part['number']}.md", media_type="text/markdown", text=text, title=title
    )
