"""``pyasynq completion``: what lets a shell complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_PYASYNQ_COMPLETE"  # by which the shell tells that it wants words


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Let the shell read it when it starts: eval "$(pyasynq completion bash)" in ~/.bashrc, the same
    with zsh in ~/.zshrc, or `pyasynq completion fish | source` in ~/.config/fish/config.fish. Names
    of queues, groups and task types are read from Redis, for at most 0.2 seconds.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no shell {shell!r}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "pyasynq", VARIABLE).source())
