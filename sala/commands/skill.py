"""`sala skill`: what agents can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.records import Floor

app = typer.Typer(
    name="skill", help="Say which skills there are, for agents and steps.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="SKILL", help="The skill's name.")]


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the skills, with the agents who have them and their levels."""
    from sala.routing.run import load

    found = load(of(context).settings())
    having = {
        skill: {
            agent.id: level
            for agent in found.agents
            for name, level in agent.skills
            if name == skill
        }
        for skill in found.skills
    }
    if as_json:
        print_json(having)
        return
    for skill, agents in having.items():
        told = ", ".join(f"{agent} {level}" for agent, level in agents.items())
        console().print(f"{skill:<20} {told or 'nobody'}", markup=False)


@app.command("add")
def add(context: typer.Context, skill: Name) -> None:
    """Add a skill; sala agent set AGENT --skill SKILL=LEVEL gives it to an agent."""
    from dataclasses import replace

    from sala.routing.run import run

    def edit(was: Floor) -> Floor:
        return replace(was, skills=tuple(sorted({*was.skills, skill})))

    run(of(context).settings(), edit)


@app.command("remove")
def remove(context: typer.Context, skill: Name) -> None:
    """Remove a skill, once no agent has it and no step asks for it."""
    from dataclasses import replace

    from sala.routing.run import run

    def edit(was: Floor) -> Floor:
        if skill not in was.skills:
            from acd.policy.faults import nearest

            raise UserError(f"there is no skill {skill}{nearest(skill, was.skills)}")
        return replace(was, skills=tuple(one for one in was.skills if one != skill))

    run(of(context).settings(), edit)
