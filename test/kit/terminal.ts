import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'

/** Runs a program on a terminal of its own: what it writes goes to our stdout; our stdin says `ROWS COLUMNS` or a signal's name. */
const program = `
import fcntl, os, pty, select, signal, struct, sys, termios
def resize(fd, rows, columns): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
ready, go = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.execvp(sys.argv[3], sys.argv[3:])
resize(fd, int(sys.argv[1]), int(sys.argv[2]))
os.write(go, b'x')
while True:
    readable, _, _ = select.select([fd, 0], [], [])
    if 0 in readable:
        words = os.read(0, 4096).decode().split()
        if not words: os.kill(pid, signal.SIGKILL)
        elif words[0].isdigit(): resize(fd, int(words[0]), int(words[1]))
        else: os.kill(pid, getattr(signal, words[0]))
    if fd in readable:
        try: octets = os.read(fd, 65536)
        except OSError: octets = b''
        if not octets: break
        os.write(1, octets)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
`

/** A program on a terminal. */
export interface Terminal extends AsyncDisposable {
  /** All that it wrote. */
  output(): string
  resize(rows: number, columns: number): void
  signal(name: NodeJS.Signals): void
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

/** How the terminal is. */
export interface TerminalOptions {
  readonly rows?: number
  readonly columns?: number
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Runs a program on a terminal; needs python3. */
export const onTerminal = (command: readonly string[], { rows = 30, columns = 100, env }: TerminalOptions = {}): Terminal => {
  const child = spawn('python3', ['-c', program, String(rows), String(columns), ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: undefined, TERM: 'xterm', ...env },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  // It may have ended.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null))
  return {
    output: () => output,
    resize: (toRows, toColumns) => void child.stdin.write(`${toRows} ${toColumns}\n`),
    signal: (name) => void child.stdin.write(`${name}\n`),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await ended
    },
  }
}
