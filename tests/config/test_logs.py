"""Logs of a process: what all its loggers, warnings and ends write to standard error."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from config.lines.rate import LINES

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "broker", "recorder", "signaling", "kiosk_agent", "huijian")
LOGGERS = {"log", "_log"}
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SECRET = "usr_SECRETsecretSECRETsecret"


def logged(program, level="info", seconds="60"):
    """Return what a program writes to standard error; standard output stays empty."""
    begin = f"from config.logs import configure\nconfigure({level!r}, {seconds})\nS = {SECRET!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + program], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


class TestEveryLogger:
    @pytest.mark.parametrize(
        "program",
        [
            "import structlog; structlog.get_logger().error('x', why=S, found=[S], other={S: S})",
            "import structlog\ntry: int(S)\nexcept ValueError: structlog.get_logger().exception('x')",
            "import structlog\ntry: int(S)\nexcept ValueError: structlog.get_logger().error('x', exc_info=True)",
            "import logging; logging.getLogger('aiohttp.server').error('x %s', S)",
            "import logging; logging.getLogger('sqlalchemy').error(S)",
            "import logging\ntry: int(S)\nexcept ValueError: logging.getLogger('a').exception('x', stack_info=True)",
            "import logging; logging.getLogger('broker.x').error('x', extra={'why': S})",
            "import logging; logging.error('x %d', S)",
            "import warnings; warnings.warn(S)",
            "import threading\nt = threading.Thread(target=lambda: int(S)); t.start(); t.join()",
            "class A:\n  def __del__(self): int(S)\nA()",
            "class A:\n  def __del__(self): int('x')\nkept = A()",  # while the interpreter ends
            "import asyncio\nasync def f(): int('x')\nasync def g():\n  global kept\n"
            "  kept = asyncio.create_task(f())\n  await asyncio.sleep(0)\nasyncio.run(g())",
            "int(S)",
            "raise ValueError(S)",
            "raise ExceptionGroup(S, [ValueError(S)])",
            "import asyncio\nasync def f(): int(S)\n"
            "async def g():\n  t = asyncio.create_task(f())\n  await asyncio.sleep(0)\n  del t\nasyncio.run(g())",
            "import asyncio\nasync def g():\n  asyncio.get_running_loop().call_soon(int, S)\n"
            "  await asyncio.sleep(0)\n  await asyncio.sleep(0)\nasyncio.run(g())",
            "async def f(): pass\nf()",
        ],
    )
    def test_writes_one_line_without_data_or_traceback(self, program):
        lines = logged(program)
        assert len(lines) == 1 and lines[0].startswith("timestamp='20"), lines
        assert "SECRET" not in lines[0] and "Traceback" not in lines[0]

    def test_takes_a_line_in_the_middle_of_another_as_python_tidies_up_at_any_time(self):
        lines = logged(
            "import structlog, threading\nstart, log = threading.Timer.start, structlog.get_logger()\n"
            "def interrupted(timer):\n  log.error('inner')\n  start(timer)\n"
            "threading.Timer.start = interrupted\nlog.error('outer')"
        )
        assert [line.rpartition("event=")[2] for line in lines] == ["'inner'", "'outer'"]

    def test_forges_no_line(self):
        lines = logged(r"import structlog; structlog.get_logger().error('x', why='a\nlevel=info \x1b[2J\r\x00')")
        assert len(lines) == 1 and r"a\nlevel" in lines[0] and "\x1b" not in lines[0]

    def test_says_why_a_process_ends_where_that_was_written_for_operators(self):
        lines = logged("from config.settings import SettingsError\nraise SettingsError('data_dir is wrong')")
        assert "data_dir is wrong" in lines[0]

    def test_what_is_below_the_level_is_not_written(self):
        assert logged("import structlog; structlog.get_logger().info('x')", level="warning") == []
        assert logged("import logging; logging.getLogger('aiohttp').info('x')", level="debug") == []

    def test_a_reader_that_has_gone_does_not_end_the_process(self):
        program = "import os, structlog\nos.close(2)\nstructlog.get_logger().error('x')\nos._exit(7)"
        begin = "from config.logs import configure\nconfigure('info')\n"
        assert subprocess.run([sys.executable, "-c", begin + program], cwd=ROOT, check=False).returncode == 7


class TestRate:
    MANY = "import structlog, logging\nfor n in range(5000):\n  structlog.get_logger().error('flood', n=n)\n"

    def test_a_flood_is_so_many_lines_and_a_sum_at_the_end(self):
        lines = logged(self.MANY)
        assert len(lines) == LINES + 1 and "site='flood'" in lines[-1] and f"count={5000 - LINES}" in lines[-1]

    def test_the_sum_is_written_once_a_minute(self):
        lines = logged(f"import time\n{self.MANY}time.sleep(1.5)\nstructlog.get_logger().error('last')", seconds="0.2")
        left_out = sum(int(line.rpartition("count=")[2]) for line in lines if "lines left out" in line)
        flood = sum("event='flood'" in line for line in lines)
        assert left_out + flood == 5000 and "last" in lines[-1] and flood <= 10 * LINES

    def test_errors_of_another_type_count_apart(self):
        program = (
            "import logging\nlog = logging.getLogger('aiohttp.server')\n"
            "for n in range(500):\n  try: int('x')\n  except ValueError: log.exception('x')\n"
            "try: {}['x']\nexcept KeyError: log.exception('x')\n"
        )
        lines = logged(program)
        assert len(lines) == LINES + 2 and "KeyError" in lines[-2]

    def test_nothing_else_is_lost_beside_a_flood(self):
        lines = logged(self.MANY + "structlog.get_logger().error('session failed', session='s')")
        assert any("session failed" in line for line in lines)


def calls(path):
    """Yield the calls of loggers in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        method = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if method is not None and method.attr in METHODS and getattr(method.value, "id", "") in LOGGERS:
            yield node


def made_of_data(call):
    """Whether an argument of a logger's call is a text that was put together, or the text of an object."""
    for node in ast.walk(call):
        if isinstance(node, ast.JoinedStr):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "repr":
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str":
            return not isinstance(node.args[0], ast.Name) or node.args[0].id in ("error", "exc", "exception")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return True
    return False


class TestOurOwnLines:
    """Lines of our packages are literals with ids and numbers beside them; errors are given as they are."""

    @pytest.mark.parametrize("package", PACKAGES)
    def test_put_no_text_together(self, package):
        found = [
            f"{path.relative_to(ROOT)}:{call.lineno}"
            for path in sorted((ROOT / package).rglob("*.py"))
            for call in calls(path)
            if made_of_data(call)
        ]
        assert found == []

    @pytest.mark.parametrize("text", ["f'{error}'", "why=str(error)", "'%s' % error", "'{}'.format(1)", "x=repr(y)"])
    def test_the_rule_finds_what_breaks_it(self, tmp_path, text):
        path = tmp_path / "bad.py"
        path.write_text(f"log.error({text if not text.startswith('why') and '=' not in text[:3] else 'x, ' + text})\n")
        assert [made_of_data(call) for call in calls(path)] == [True]

    @pytest.mark.parametrize("package", PACKAGES)
    def test_nothing_is_written_past_the_log(self, package):
        """No traceback is printed, but for a developer who asks for it on the command line."""
        allowed = {"huijian/__main__.py", "config/lines/records.py"}
        found = [
            path.relative_to(ROOT).as_posix()
            for path in sorted((ROOT / package).rglob("*.py"))
            if "print_exc" in path.read_text("utf-8") or "format_exc(" in path.read_text("utf-8")
        ]
        assert set(found) <= allowed
