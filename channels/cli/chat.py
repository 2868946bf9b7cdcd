"""`advisor chat`: the chat page, and `advisor account`: who may use it."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import AdvisorError, IndexMissingError, UsageError

if TYPE_CHECKING:
    from agent.session import Advisor
    from channels.page.accounts import Gate
    from channels.page.backend import Backend
    from kb.settings import Settings

DEFAULT_PORT = 7860


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("chat")(chat_command)
    app.command("account")(account_command)


def chat_command(
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine only with accounts.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    auth_file: Annotated[
        Path | None, typer.Option(help="Accounts (see `advisor account --help`); default: ADVISOR_AUTH_FILE.", show_default=False)
    ] = None,
) -> None:
    """Serve the chat page. Without an index, the shipped corpus is indexed first.

    \b
    Examples:
      advisor chat                                          http://127.0.0.1:7860
      advisor chat --port 8000
      advisor chat --host 0.0.0.0 --auth-file accounts.txt  for the team
    """
    from kb.settings import get_settings

    settings = get_settings()
    gate = make_gate(host, auth_file or settings.auth_file)
    refuse_taken_port(host, port)
    ensure_index(settings)
    say(f"Starting the page on {page_url(host, port)} ...")
    backend = make_backend(settings)
    admit_accounts(backend, gate)
    _ = (backend.keys, backend.state)  # a bad key or an unreachable database fails here, not at the first question

    from chat_app import build_page, house_of, launch_page

    launch_page(build_page(backend), host, port, house_of(backend, language=settings.lang, gate=gate))
    backend.answerer()  # so does a broken index
    print(page_url(host, port), flush=True)
    say("The page is ready; stop it with Ctrl+C.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("Stopped.")


def account_command(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    auth_file: Annotated[Path | None, typer.Option(help="The accounts' file; default: ADVISOR_AUTH_FILE.", show_default=False)] = None,
    role: Annotated[str, typer.Option(help="reader: asks; maintainer: may also run evaluations and change what is indexed.")] = "reader",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking.")] = False,
) -> None:
    """Add an account for the page, or give it a new password.

    \b
    Examples:
      advisor account li.lei --auth-file accounts.txt
      advisor account han.meimei --auth-file accounts.txt --role maintainer
    """
    from channels.page.accounts import ROLES, write_account
    from kb.settings import get_settings

    path = auth_file or get_settings().auth_file
    if path is None:
        raise UsageError("no accounts' file; name one with --auth-file FILE or ADVISOR_AUTH_FILE")
    known = next((r for r in ROLES if r == role), None)
    if known is None:
        raise UsageError(f"--role {role}: expected one of {', '.join(ROLES)}")
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    write_account(path, name, password, known)
    say(f"{path}: {name} ({role}) may sign in.")


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def page_url(host: str, port: int) -> str:
    """Where a browser on this machine finds the page."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address. A name other than localhost is taken to be reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_gate(host: str, auth_file: Path | None) -> Gate | None:
    """The check of names and passwords; None on loopback without accounts. Raises `UsageError` for an open door."""
    if auth_file is None:
        if not is_loopback(host):
            raise UsageError(
                f"--host {host} can be reached from other machines, which needs accounts: "
                "advisor account NAME --auth-file FILE, then advisor chat --host ... --auth-file FILE"
            )
        return None
    from channels.page.accounts import Gate as Accounts
    from channels.page.accounts import read_accounts

    return Accounts(read_accounts(auth_file))


def admit_accounts(backend: Backend, gate: Gate | None) -> None:
    """Where there are accounts, what people may do goes by their role, and how often they ask is limited."""
    if gate is not None:
        backend.is_maintainer = gate.is_maintainer
        backend.has_accounts = True


def refuse_taken_port(host: str, port: int) -> None:
    """Raise at once rather than after the index is loaded."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}); free it, or choose another with --port") from None


def ensure_index(settings: Settings) -> None:
    """Index the shipped corpus if nothing is indexed yet, in a process of its own so that its memory is given back."""
    from kb.store import store_for

    try:
        with closing(store_for(settings).open()) as manifest:
            if manifest.document_count() > 0:
                return
    except IndexMissingError:
        pass
    say("No index yet: indexing the shipped corpus and catalog (once, about a minute) ...")
    done = subprocess.run([sys.executable, "-m", "channels.cli.main", "ingest"], stdout=sys.stderr.fileno(), check=False)
    if done.returncode not in (0, 3):
        raise AdvisorError(f"indexing failed (exit code {done.returncode}); the lines above say why")


def make_backend(settings: Settings) -> Backend:
    """The page's view of the advisor, which is opened beside the page's own start; its failure shows on the first question."""
    from channels.page.backend import Backend
    from channels.page.uploads import Uploads
    from ingest.parse import SUPPORTED_SUFFIXES

    opened: list[Advisor] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    def open_it() -> None:
        try:
            from agent.session import open_advisor

            advisor = open_advisor(settings, for_many=True)
            if settings.answer_processes:
                advisor.warm_up()
            else:
                _ = advisor.meaning  # its vectors would make the first visitor wait
            opened.append(advisor)
        except BaseException as error:  # kept for the thread that needs the advisor
            failed.append(error)
        finally:
            ready.set()

    threading.Thread(target=open_it, name="open-advisor", daemon=True).start()

    def advisor() -> Advisor:
        ready.wait()
        if failed:
            raise failed[0]
        return opened[0]

    backend = Backend.over(advisor, settings.home)
    backend.uploads = Uploads(settings.home, SUPPORTED_SUFFIXES)
    return backend
