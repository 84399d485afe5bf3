/** A client that uploads `a` without end, until it is killed: `node uploader.ts PORT PASSWORD`. Says `uploading` once octets are on their way. */
import { connect } from 'node:net'

const [port = '', password = ''] = process.argv.slice(2)
const control = connect(Number(port), '127.0.0.1')
let replies = ''
const next = async (): Promise<string> => {
  for (;;) {
    const end = replies.indexOf('\r\n')
    if (end !== -1) {
      const line = replies.slice(0, end)
      replies = replies.slice(end + 2)
      return line
    }
    await new Promise((resolve) => control.once('data', resolve))
  }
}
control.on('data', (chunk: Buffer) => {
  replies += chunk.toString()
})
const ask = (line: string): Promise<string> => {
  control.write(`${line}\r\n`)
  return next()
}
await next()
await ask('USER alice')
await ask(`PASS ${password}`)
await ask('TYPE I')
const [, dataPort] = /\|\|\|(\d+)\|/.exec(await ask('EPSV')) ?? []
const data = connect(Number(dataPort), '127.0.0.1')
await ask('STOR a')
const send = () => {
  data.write(Buffer.alloc(10_000, 'x'), () => setTimeout(send, 1))
}
send()
process.stdout.write('uploading\n')
