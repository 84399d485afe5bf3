import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { testAccounts } from '../../kit/fake-desk.ts'
import { describeWith } from '../../kit/programs.ts'
import { run } from '../../kit/run.ts'
import { seeded } from '../../kit/seeded.ts'
import { undisturbed } from '../../kit/undisturbed.ts'
import { loginOf, WritableSite } from './home.ts'

describeWith(['curl'], 'curl writes over HTTP/2', () => {
  it('by -T, with and without a length', async () => {
    await using site = await WritableSite.serve({ 'files/alice/public_html/a': 'old' }, { options: { http2: 'prior-knowledge' } })
    const content = seeded(9).octets(1_500_000)
    const file = site.running.folder.at('large.bin')
    await writeFile(file, content)
    const at = (name: string) => `http://127.0.0.1:${site.running.port}/~alice/${name}`
    const login = ['-u', `alice:${testAccounts['alice']}`, '--http2-prior-knowledge', '-sS', '-w', '%{http_version} %{http_code}\n']
    for (const [name, status] of [
      ['a', 204],
      ['b', 201],
    ] as const) {
      const { code, stdout, stderr } = await run('curl', [...login, '-T', file, at(name)])
      expect(code, stderr).to.equal(0)
      expect(stdout.toString()).to.equal(`2 ${status}\n`)
    }
    const piped = await run('sh', ['-c', `cat '${file}' | curl ${login.map((word) => `'${word}'`).join(' ')} -T - '${at('c')}'`])
    expect(piped.stdout.toString()).to.match(/^2 201/)
    for (const name of ['a', 'b', 'c'])
      expect((await site.ask('GET', `/~alice/${name}`, { as: null })).body.equals(content), name).to.equal(true)
  })
})

describe('PUT over HTTP/2', () => {
  it('takes an empty file whose head ends it, with a length or without: its client has said that it is whole (RFC 9113 §8.1)', async () => {
    await using site = await WritableSite.serve({ 'files/alice/public_html/a': 'old' }, { options: { http2: 'prior-knowledge' } })
    const session = connect(`http://127.0.0.1:${site.running.port}`)
    try {
      for (const [name, more] of [
        ['a', {}],
        ['b', { 'content-length': 0 }],
      ] as const) {
        const head = { ':method': 'PUT', ':path': `/~alice/${name}`, authorization: loginOf('alice'), ...more }
        const [{ ':status': status }] = await once(session.request(head, { endStream: true }).resume(), 'response')
        expect(status, name).to.equal(name === 'a' ? 204 : 201)
        expect(await site.text(name)).to.equal('')
      }
    } finally {
      session.destroy()
    }
  })

  it('takes an empty file whose end comes in a frame of its own, with a length or without', async () => {
    await using site = await WritableSite.serve({ 'files/alice/public_html/a': 'old' }, { options: { http2: 'prior-knowledge' } })
    const session = connect(`http://127.0.0.1:${site.running.port}`)
    try {
      for (const [name, more] of [
        ['a', { 'content-length': 0 }],
        ['b', {}],
      ] as const) {
        const head = { ':method': 'PUT', ':path': `/~alice/${name}`, authorization: loginOf('alice'), ...more }
        const stream = session.request(head, { endStream: false })
        stream.end()
        const [{ ':status': status }] = await once(stream.resume(), 'response')
        expect(status).to.equal(name === 'a' ? 204 : 201)
        expect(await site.text(name)).to.equal('')
      }
    } finally {
      session.destroy()
    }
  })
  it('takes what goes on, however much longer than the deadline it takes; what does not is 408', () =>
    undisturbed(400, async () => {
      await using site = await WritableSite.serve(
        { 'files/alice/public_html/a': 'old' },
        { options: { http2: 'prior-knowledge', timeouts: { headers: '1s', request: '1500ms', keepAlive: '30s' } } },
      )
      const session = connect(`http://127.0.0.1:${site.running.port}`)
      try {
        const put = (name: string) =>
          session.request({ ':method': 'PUT', ':path': `/~alice/${name}`, authorization: loginOf('alice') }, { endStream: false })
        const going = put('b')
        const answered = once(going.resume(), 'response')
        const part = Buffer.alloc(64 * 1024, 'x')
        for (let parts = 0; parts < 40; parts += 1) {
          going.write(part)
          await sleep(100)
        }
        going.end()
        expect((await answered)[0][':status']).to.equal(201)
        expect(await site.text('b')).to.have.length(40 * part.length)
        const standing = put('a')
        standing.write('half')
        expect((await once(standing.resume(), 'response'))[0][':status']).to.equal(408)
        expect(await site.text('a')).to.equal('old')
      } finally {
        session.destroy()
      }
    }))
})
