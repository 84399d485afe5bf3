import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Reads datagrams as the service manager does, and writes each as a line of JSON. */
const program = `
import json, socket, sys
address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind('\\0' + address[1:] if address.startswith('@') else address)
print('"bound"', flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
`

/** A socket in the place of the service manager's. */
export interface NotifySocket extends AsyncDisposable {
  /** What came so far, oldest first: a list of `KEY=value` each. Without the barriers by which a sender waits to be read. */
  readonly messages: readonly (readonly string[])[]
}

/** Listens on a path, or on `@name` in the abstract namespace. */
export const notifySocket = async (address: string): Promise<NotifySocket> => {
  const listener = spawn('python3', ['-c', program, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  const messages: string[][] = []
  const lines = createInterface(listener.stdout)
  const bound = once(lines, 'line')
  lines.on('line', (line) => {
    const message = String(JSON.parse(line)).split('\n').filter(Boolean)
    if (message[0] !== 'bound' && message[0] !== 'BARRIER=1') messages.push(message)
  })
  await bound
  return {
    messages,
    [Symbol.asyncDispose]: async () => {
      listener.kill('SIGKILL')
      await once(listener, 'close')
    },
  }
}
