import { chmod, mkdir, readFile, rm, rmdir, stat, symlink } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { askSupervisor, NotRunningError, openControl, type Request } from '../../servers/supervisor/control.ts'
import { PermanentError } from '../../shared/service.ts'
import { temporaryFolder } from '../kit/folder.ts'

const serving = async (data: string) => {
  const asked: Request[] = []
  await mkdir(`${data}/run`, { recursive: true })
  const control = await openControl(data, async (request) => {
    asked.push(request)
    return { ok: true, result: request.command }
  })
  return { asked, control }
}

describe('the control socket', () => {
  it('answers what the command line asks', async () => {
    await using folder = await temporaryFolder()
    const { asked, control } = await serving(folder.path)
    expect(await askSupervisor(folder.path, { command: 'status' })).to.deep.equal({ ok: true, result: 'status' })
    expect(await askSupervisor(folder.path, { command: 'restart', name: 'smtp' })).to.deep.equal({ ok: true, result: 'restart' })
    control.close()
    expect(asked).to.deep.equal([{ command: 'status' }, { command: 'restart', name: 'smtp' }])
  })

  it("is the owner's alone", async () => {
    await using folder = await temporaryFolder()
    const { control } = await serving(folder.path)
    expect(((await stat(folder.at('run', 'control.sock'))).mode & 0o777).toString(8)).to.equal('600')
    control.close()
  })

  it('carries out nothing for whoever cannot read the data folder, as a sandboxed child', async () => {
    await using folder = await temporaryFolder()
    const { asked, control } = await serving(folder.path)
    expect((await stat(folder.at('run', 'control.key'))).mode & 0o777).to.equal(0o600)
    const key = await readFile(folder.at('run', 'control.key'), 'utf8')
    for (const wrong of [undefined, '', 'x'.repeat(64), key.toUpperCase(), `${key} `, [key], 'é'.repeat(64)]) {
      const socket = createConnection(folder.at('run', 'control.sock'))
      socket.write(`${JSON.stringify({ command: 'stop', key: wrong })}\n`)
      expect(await text(socket)).to.equal('{"ok":false,"exitCode":100,"message":"not a request"}\n')
    }
    control.close()
    expect(asked).to.deep.equal([])
    const again = await serving(folder.path)
    expect(await readFile(folder.at('run', 'control.key'), 'utf8')).to.not.equal(key)
    again.control.close()
  })

  it('is not made in a folder that somebody else has made for it', async () => {
    await using folder = await temporaryFolder()
    const data = folder.at('c'.repeat(60), 'd'.repeat(60))
    const first = await serving(data)
    const place = dirname(await readFile(join(data, 'run', 'control.path'), 'utf8'))
    first.control.close()
    try {
      await chmod(place, 0o777)
      const open = await serving(data).catch((error: unknown) => error)
      expect(open).to.be.instanceOf(PermanentError)
      await rmdir(place)
      await symlink(folder.path, place)
      const linked = await serving(data).catch((error: unknown) => error)
      expect(linked).to.be.instanceOf(PermanentError)
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  })

  it('goes to a short path, recorded in the data folder, where the usual one is too long for the system', async () => {
    await using folder = await temporaryFolder()
    const data = folder.at('a'.repeat(60), 'b'.repeat(60))
    const { control } = await serving(data)
    expect(await askSupervisor(data, { command: 'status' })).to.deep.equal({ ok: true, result: 'status' })
    control.close()
  })

  it("that is left over from a killed supervisor is in nobody's way", async () => {
    await using folder = await temporaryFolder()
    const { control } = await serving(folder.path)
    const again = await serving(folder.path)
    expect(await askSupervisor(folder.path, { command: 'status' })).to.deep.equal({ ok: true, result: 'status' })
    control.close()
    again.control.close()
  })

  it('tells when nobody is there', async () => {
    await using folder = await temporaryFolder()
    const outcome = await askSupervisor(folder.path, { command: 'status' }).catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(NotRunningError)
  })

  it('survives garbage: wrong JSON, unknown commands, endless lines, a client that leaves', async () => {
    await using folder = await temporaryFolder()
    const { asked, control } = await serving(folder.path)
    for (const octets of ['{\n', 'null\n', '{"command":"format"}\n', '{"command":"restart"}\n', 'x'.repeat(10_000), '']) {
      await new Promise<void>((resolve) => {
        const socket = createConnection(folder.at('run', 'control.sock'), () => socket.end(octets))
        socket.on('error', () => undefined)
        socket.on('close', () => resolve())
        socket.resume()
      })
    }
    expect(asked).to.deep.equal([])
    expect(await askSupervisor(folder.path, { command: 'status' })).to.deep.equal({ ok: true, result: 'status' })
    control.close()
  })
})
