import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Client, ClientError } from '../kit/client.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'

const servePop3 = (setup: Partial<Setup> = {}) => serve({ service: 'pop3', proxiesFrom: ['127.0.0.1'], ...setup })

/** Somebody who comes by the proxy from an address of his own; patient while the proxy starts. */
const through = async (port: number): Promise<Client> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await Client.connect(port, { from: '127.0.0.44' })
    } catch (error) {
      if (!(error instanceof ClientError) || tries > 200) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Starts a proxy in the foreground, holds a conversation through it, and ends it. */
const proxied = async (running: Running, program: string, args: readonly string[], port: number): Promise<void> => {
  const proxy = spawn(program, args, { stdio: 'ignore' })
  const ended = once(proxy, 'exit')
  try {
    using client = await through(port)
    expect(await client.line()).to.match(/^\+OK /)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
    // It may have looked meanwhile, on its own account, whether we live.
    const remotes = running.journal.of('connection.opened').map(({ fields }) => fields['remote'])
    expect(remotes).to.include(`127.0.0.44:${client.localPort}`)
  } finally {
    proxy.kill('SIGTERM')
    await ended
  }
}

describeWith(['haproxy'], 'the PROXY protocol of haproxy', function () {
  this.timeout(120_000)

  for (const [version, words] of [
    ['1', 'send-proxy'],
    ['2', 'send-proxy-v2 check check-send-proxy inter 200'],
    ['2 with its checksum and unique ids', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'],
  ] as const) {
    it(`version ${version}: the journal has the client`, async () => {
      await using running = await servePop3()
      await using folder: TemporaryFolder = await temporaryFolder()
      const port = await freePort()
      await writeFile(
        folder.at('haproxy.cfg'),
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen pop3
  bind 127.0.0.1:${port}
  unique-id-format %[uuid()]
  server havre 127.0.0.1:${running.port} ${words}
`,
      )
      await proxied(running, 'haproxy', ['-db', '-f', folder.at('haproxy.cfg')], port)
      expect(running.journal.of('connection.not-introduced').filter(({ level }) => level === 'warn')).to.deep.equal([])
    })
  }
})

describeWith(['curl'], 'the PROXY protocol of curl', function () {
  this.timeout(120_000)

  it('fetches a page', async () => {
    await using running = await serve({ service: 'http', proxiesFrom: ['127.0.0.1'] })
    const { code, stdout } = await run('curl', [
      '-s',
      '--haproxy-protocol',
      `http://127.0.0.1:${running.port}/none`,
      '-w',
      '%{http_code}',
    ])
    expect(code).to.equal(0)
    expect(String(stdout)).to.match(/404$/)
    expect(running.journal.of('connection.opened')).to.have.length(1)
    expect(running.journal.of('connection.not-introduced')).to.deep.equal([])
    // Without the header it is nobody that is served.
    const { code: without } = await run('curl', ['-s', `http://127.0.0.1:${running.port}/none`])
    expect(without).to.not.equal(0)
  })
})
