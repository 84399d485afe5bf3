import { Session as Inspector, type Profiler } from 'node:inspector/promises'
import { sep } from 'node:path'
import { expect } from 'chai'
import { commands } from '../../servers/ftp/commands.ts'
import { octetsOf } from '../kit/script.ts'
import { examples } from './command-examples.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

/**
 * What of ftp-srv runs while sessions are held: the frame that makes a session of a socket, replies, and hands commands to our handlers.
 * Nothing of it may ever be of a data connection (`src/connector`), of a path or an octet of a file (`src/fs`, `src/helpers`), or
 * of a command (`src/commands/registration`). Whoever adds a line here has to say why the project does not do it itself.
 */
const used: Readonly<Record<string, readonly string[]>> = {
  'src/index.js': [
    ...['FtpServer', 'emitPromise', 'get isTLS', 'serverConnectionHandler', 'setupFeaturesMessage', 'setupGreeting'],
    // Of a session that it does not know any more: it does nothing.
    'disconnectClient',
  ],
  'src/connection.js': ['FtpConnection', 'get ip', 'login', 'processLetter', 'reply', 'satisfyParameters'],
  'src/commands/index.js': ['FtpCommands', 'handle'],
  // Made with each session, and taken away before anything could ask it.
  'src/connector/base.js': ['Connector'],
  // Made with the server, and asked for no port.
  'src/helpers/find-port.js': ['getNextPortFactory', 'portNumberGenerator'],
}

const isOf = (url: string): string | null => {
  const [, path] = url.split(`node_modules${sep}ftp-srv${sep}`)
  return path ?? null
}

/** By file, the names of the functions that ran, as the engine of JavaScript counted them. */
const functionsIn = (scripts: readonly Profiler.ScriptCoverage[]): Record<string, string[]> => {
  const found: Record<string, string[]> = {}
  for (const { url, functions } of scripts) {
    const file = isOf(url)
    if (file === null) continue
    // Not the file itself. What has no name belongs to what has one, where that is used.
    const ran = functions.filter(({ ranges: [range] }) => range !== undefined && range.startOffset > 0 && range.count > 0)
    const names = ran
      .map(({ functionName }) => functionName || 'without a name')
      .filter((name) => !(file in used) || !name.startsWith('without'))
    if (names.length > 0) found[file] = [...new Set(names)].sort()
  }
  return found
}

const rows = commands.flatMap((row) => [row, ...row.words])

describe('ftp: what of ftp-srv is in use', function () {
  this.timeout(120_000)

  it('is the frame alone: no code of it touches a data connection, a path or an octet of a file', async () => {
    // What runs once, when its files are loaded, is no use of them; whether an earlier test has loaded them is chance.
    await (await serveFtp()).close()
    const inspector = new Inspector()
    inspector.connect()
    let ran: Record<string, string[]>
    try {
      await inspector.post('Profiler.enable')
      await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
      await using running = await serveFtp({ options: { badLogins: 1000 } })
      const home = new Home(running)
      for (const row of rows) {
        await home.put('a.txt', 'twelve bytes')
        using session = await RawSession.open(running)
        const lines = (examples[row.name]?.good ?? '').split('\n').filter((line) => /^\s*C: /.test(line) && !line.endsWith('\\c'))
        for (const line of lines) {
          await session.control.send(Buffer.concat([octetsOf(line.trim().slice(3)), Buffer.from('\r\n')]))
          await session.reply()
          if (row.name === 'QUIT') break
        }
      }
      using session = await RawSession.open(running)
      await session.upload('STOR up', 'content')
      await session.upload('APPE up', 'content')
      expect((await session.download('RETR up')).toString()).to.equal('contentcontent')
      await session.download('LIST')
      await session.download('NLST *')
      const { arrives } = await session.active()
      await session.control.command('RETR up')
      expect(await session.reply()).to.match(/^150 /)
      ;(await arrives).destroy()
      await session.reply()
      ran = functionsIn((await inspector.post('Profiler.takePreciseCoverage')).result)
      await inspector.post('Profiler.stopPreciseCoverage')
    } finally {
      inspector.disconnect()
    }
    const more = Object.entries(ran).flatMap(([file, names]) =>
      names.filter((name) => used[file]?.includes(name) !== true).map((name) => `${file}: ${name}`),
    )
    expect(more, 'runs and is not in the list').to.deep.equal([])
    expect(ran['src/connection.js'], 'what is counted at all').to.include.members(['reply', 'satisfyParameters', 'processLetter'])
    expect(ran['src/commands/index.js']).to.include('handle')
  })
})
