# Runs pyftpdlib's own functional tests against another server. Where they would start their own, the caller is asked for one:
# {"start": {…settings}} on stdout is answered with its port on stdin, {"stop": true} with a line. Replies are judged by their code,
# and by their text only where programs read it. Each test ends in one line of JSON: {"test", "outcome": "passed" | "failed" |
# "not-applicable", "why"}.
#
# python3 pyftpdlib-run.py TESTS LEFT-OUT    in the folder that is the account's home
#   TESTS     the folder with pyftpdlib's test_functional.py and test_functional_ssl.py
#   LEFT-OUT  JSON: a pattern of "Class.test" to why those cannot be asked of another server
import contextlib
import ftplib
import importlib.util
import json
import os
import re
import signal
import sys
import types
import unittest

folder, left_out = sys.argv[1], json.loads(sys.argv[2])
out = os.fdopen(os.dup(1), 'w', buffering=1)
os.dup2(2, 1)


def ask(question):
    out.write(json.dumps(question) + '\n')
    return json.loads(sys.stdin.readline())


class NotApplicable(Exception):
    pass


def code_of(text):
    found = re.match(r'(\d{3})(?:[ .]|$)', text)
    return found and found.group(1)


# Replies whose text programs read: it has to be as they expect it.
EXACT = re.compile(r'2(?:13|27|29|57) |200 MLST OPTS ')


class Reply(str):
    """A reply that fits another text by its code, unless programs read the text."""

    def __eq__(self, other):
        code = code_of(other) if isinstance(other, str) and not EXACT.match(other) else None
        return str.__eq__(self, other) if code is None else self[:3] == code

    def __ne__(self, other):
        return not self == other

    def __contains__(self, words):
        # A refusal's words are for people.
        return self[:1] in ('4', '5') or str.__contains__(self, words)

    def __hash__(self):
        return str.__hash__(self)

    def __str__(self):
        return self


said = ftplib.FTP.getmultiline
ftplib.FTP.getmultiline = lambda client: Reply(said(client))


# What the tests take from pytest.
class Raised:
    def __init__(self):
        self.value = None


@contextlib.contextmanager
def raises(kinds, match=None):
    raised = Raised()
    try:
        yield raised
    except kinds as error:
        raised.value = error
        code = match and code_of(match)
        if code and not str(error).startswith(code):
            raise AssertionError('%s, not %s' % (error, code))
    else:
        raise AssertionError('nothing was refused, %s expected' % (match or 'an error'))


def skipif(condition, reason=''):
    return unittest.skipIf(condition, reason)


sys.modules['pytest'] = types.SimpleNamespace(
    raises=raises, mark=types.SimpleNamespace(skip=lambda reason='': unittest.skip(reason), skipif=skipif)
)


def loosened(source):
    """Replies that are read from the socket are judged by their code, and deadlines are for a busy machine."""
    source = re.sub(r'assert data == b"(\d{3})[^"]*"', r'assert data[:4] == b"\1 "', source)
    source = re.sub(r'(client\.sock\.settimeout)\([\d.]+\)', r'\1(5)', source)
    return source


def load(name, file, **more):
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, file), **more)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with open(spec.origin, encoding='utf-8') as opened:
        exec(compile(loosened(opened.read()), spec.origin, 'exec'), module.__dict__)
    return module


tests = load('pyftpdlib.test', '__init__.py', submodule_search_locations=[folder])
tests.GLOBAL_TIMEOUT = 5

from pyftpdlib.handlers import TLS_FTPHandler  # noqa: E402

def settings_of(server):
    """The settings of a server that does what the tests set in theirs. Raises NotApplicable where there are none."""
    handler = server.handler
    for name in ('permit_privileged_ports', 'permit_foreign_addresses'):
        if getattr(handler, name):
            raise NotApplicable("pyftpdlib's setting %s" % name)
    if not handler.use_gmt_times:
        raise NotApplicable("pyftpdlib's setting use_gmt_times")
    if not handler.banner.startswith('pyftpdlib '):
        raise NotApplicable("pyftpdlib's setting banner")
    ports = handler.passive_ports
    if ports and list(ports) != list(range(min(ports), max(ports) + 1)):
        raise NotApplicable('passive ports that are no range')
    masquerade = handler.masquerade_address or handler.masquerade_address_map.get(server.host)
    if masquerade and any(int(octet) > 255 for octet in masquerade.split('.')):
        raise NotApplicable('an address that is none')
    if handler.dtp_handler.timeout not in (0, 300) and handler.timeout == 300:
        raise NotApplicable("pyftpdlib's timeout of data connections alone")
    return {
        'host': server.host,
        'tls': issubclass(handler, TLS_FTPHandler),
        'tlsControl': bool(getattr(handler, 'tls_control_required', False)),
        'tlsData': bool(getattr(handler, 'tls_data_required', False)),
        'idleSeconds': handler.timeout,
        'dataWaitSeconds': handler.passive_dtp.timeout,
        'badLogins': handler.max_login_attempts,
        'connections': server.server.max_cons,
        'connectionsPerAddress': server.server.max_cons_per_ip,
        'passiveAddress': masquerade,
        'passivePorts': [min(ports), max(ports)] if ports else None,
    }


class OtherServer:
    """Stands where the tests have a server of their own, in a thread or process."""

    handler = tests.FTPHandler

    def __init__(self, addr=None):
        self.host = addr[0] if addr else tests.HOST
        self.port = None
        self.server = types.SimpleNamespace(max_cons=0, max_cons_per_ip=0)

    def start(self):
        self.port = ask({'start': settings_of(self)})

    def stop(self):
        if self.port is not None:
            ask({'stop': True})
        self.port = None
        tests.reset_server_opts()


tests.MProcessTestFTPd = tests.ThreadedTestFTPd = OtherServer
functional = load('pyftpdlib.test.test_functional', 'test_functional.py')
functional_ssl = load('pyftpdlib.test.test_functional_ssl', 'test_functional_ssl.py')


class Results(unittest.TestResult):
    def tell(self, test, outcome, why=''):
        cls = type(test)
        out.write(json.dumps({'test': '%s.%s' % (cls.__name__, test._testMethodName), 'outcome': outcome, 'why': why}) + '\n')

    def startTest(self, test):
        super().startTest(test)
        self.before = len(self.failures) + len(self.errors)
        self.why = None
        signal.alarm(60)

    def addSuccess(self, test):
        self.tell(test, 'passed')

    def addSkip(self, test, reason):
        self.tell(test, 'not-applicable', 'skipped by itself: %s' % reason)

    def went_wrong(self, test, kind, error, trace):
        if self.why is not None:
            return
        self.why = True
        if kind is NotApplicable:
            return self.tell(test, 'not-applicable', str(error))
        lines = []
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(folder):
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        self.tell(test, 'failed', '%s: %s (line %s)' % (kind.__name__, error, lines[-1] if lines else '?'))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.went_wrong(test, *err)

    def addError(self, test, err):
        super().addError(test, err)
        self.went_wrong(test, *err)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)


def late(*_):
    raise TimeoutError('it came to no end in a minute')


signal.signal(signal.SIGALRM, late)
results = Results()
for module in (functional, functional_ssl):
    for case in [each for suite in unittest.defaultTestLoader.loadTestsFromModule(module) for each in suite]:
        if type(case).__module__ != module.__name__:
            continue
        name = '%s.%s' % (type(case).__name__, case._testMethodName)
        why = next((why for pattern, why in left_out.items() if re.fullmatch(pattern, name)), None)
        if why is not None:
            results.tell(case, 'not-applicable', why)
        else:
            case.run(results)
