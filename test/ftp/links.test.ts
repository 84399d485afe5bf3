import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

/** Rounds of each command while links are swapped; more in a long look: HAVRE_TEST_SWAPS=500. */
const rounds = Number(process.env['HAVRE_TEST_SWAPS'] ?? 12)

/** What is outside can be told from all that is inside: by names, content, length and time. */
const outside = {
  name: 'outsider',
  content: `OUTSIDE${'o'.repeat(77_777 - 7)}`,
  octets: 77_777,
  modified: new Date('1999-09-09T09:09:09Z'),
}
const tells = /outsider|OUTSIDE|77777|1999/
/** Without numbers of the file system, and how long it took: they may hold any digits. */
const withoutChance = (told: string, lines: readonly string[]): string => {
  const one = told.replace(/unique=[^;\n]*;/g, '').replace(/(?<= octets in ).*/g, '')
  return lines.includes('AVBL PATH') ? one.replace(/^213 \d+$/gm, '213') : one
}

/** A command on what `PATH` means, with what comes before it. */
const asked = [
  ...['RETR', 'SIZE', 'MDTM', 'MLST', 'DELE', 'RNFR', 'CWD', 'STAT', 'LIST', 'NLST', 'MLSD', 'RMD', 'MKD', 'STOR', 'APPE'],
  ...['HASH', 'XMD5', 'XSHA256', 'AVBL', 'XCRC'],
  ...['MFMT 20200101000000', 'MFCT 20200101000000', 'SITE CHMOD 600', 'SITE UTIME 20200101000000', 'LIST -laR', 'NLST -a'],
].map((command) => [`${command} PATH`])
const all: readonly (readonly string[])[] = [
  ...asked,
  ['REST 2', 'STOR PATH'],
  ['REST 2', 'RETR PATH'],
  ['RNFR PATH', 'RNTO taken'],
  ['RNFR mine', 'RNTO PATH'],
  ['NLST PATH/*'],
  ['CWD PATH', 'NLST'],
  ['CWD PATH', 'STOR new'],
  ['CWD PATH', 'MLSD'],
  ['CWD PATH', 'PWD'],
]

describe('ftp: links', function () {
  this.timeout(120_000)
  let running: Running
  let home: Home
  const bob = (...names: string[]) => join(running.settings.data, 'files', 'bob', ...names)

  /** All that can be seen of what is outside, but for when it was read. */
  const seenOutside = (folder = bob()): string =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => {
        const stats = lstatSync(join(folder, name))
        const content = stats.isFile() ? readFileSync(join(folder, name), 'latin1') : ''
        return [name, stats.mode, stats.size, stats.mtimeMs, stats.nlink, content === outside.content].join(' ')
      })
      .join('\n')

  /** What alice has: made anew, since commands change it. */
  const furnish = async (): Promise<void> => {
    await rm(home.path('real'), { recursive: true, force: true })
    await mkdir(home.path('real', 'folder'), { recursive: true })
    await writeFile(home.path('real', 'file'), 'mine')
    await writeFile(home.path('mine'), 'mine')
  }

  beforeEach(async () => {
    running = await serveFtp({
      options: { badCommands: 1_000_000, dataWait: '30s' },
      prepare: async ({ data }) => {
        const folder = join(data, 'files', 'bob')
        await mkdir(join(folder, 'folder'), { recursive: true })
        await mkdir(join(folder, outside.name))
        for (const name of ['file', outside.name]) {
          await writeFile(join(folder, name === 'file' ? name : `file-${name}`), outside.content)
        }
        await writeFile(join(folder, 'folder', outside.name), outside.content)
        for (const name of ['file', `file-${outside.name}`, 'folder', outside.name])
          await utimes(join(folder, name), outside.modified, outside.modified)
      },
    })
    home = new Home(running)
    await furnish()
  })
  afterEach(() => running.close())

  /** Says it all, with what a data connection carries. @returns all that was told */
  const say = async (session: RawSession, lines: readonly string[], path: string): Promise<string> => {
    let told = ''
    for (const line of lines) {
      using data = await session.passive()
      const reply = await session.ask(line.replace('PATH', path))
      told += `${reply}\n`
      if (!reply.startsWith('150')) continue
      if (/^(?:STOR|APPE)/.test(line)) {
        await data.send('new')
        data.end()
      } else told += `${(await data.rest()).toString('latin1')}\n`
      told += `${await session.reply()}\n`
    }
    await session.ask('CWD /')
    return told
  }

  it('that are swapped all the time lead no command outside: nothing there is read, listed, told of, changed or made', async () => {
    const before = seenOutside()
    await symlink('real', home.path('way'))
    const swapper = spawn(
      process.execPath,
      [join(import.meta.dirname, '..', 'kit', 'link-swapper.ts'), home.path('way'), 'real', '../bob'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    try {
      await once(swapper.stdout, 'data')
      using session = await RawSession.open(running, 'alice', { deadlineMs: 60_000 })
      for (const lines of all)
        for (let round = 0; round < rounds; round += 1) {
          const told: string[] = []
          for (const path of ['way', 'way/file', 'way/folder', 'way/new']) {
            // Its own path comes back in some replies.
            told.push((await say(session, lines, path)).replaceAll(path, ''))
          }
          expect(withoutChance(told.join(''), lines), lines.join(', ')).to.not.match(tells)
          expect(seenOutside(), lines.join(', ')).to.equal(before)
          if (round % 4 === 3) await furnish()
        }
    } finally {
      swapper.stdin.end()
      swapper.kill()
      await once(swapper, 'exit')
    }
  })

  it('that lead outside tell by no reply what is there and what is not', async () => {
    const before = seenOutside()
    await symlink('../bob', home.path('way'))
    await symlink('../nobody', home.path('astray'))
    await symlink(`../bob/file`, home.path('to-file'))
    await symlink('../bob/nothing', home.path('to-none'))
    await symlink('../bob/folder', home.path('to-folder'))
    const pairs: readonly (readonly [string, string])[] = [
      ['way/file', 'way/nothing'],
      ['way/folder', 'way/nothing'],
      ['way/folder/x', 'way/nothing/x'],
      ['way/file/x', 'way/nothing/x'],
      ['way/file', 'astray/file'],
      ['to-file', 'to-none'],
      ['to-folder', 'to-none'],
      ['to-folder/x', 'to-none/x'],
      ['to-file/x', 'to-none/x'],
    ]
    using session = await RawSession.open(running, 'alice', { deadlineMs: 60_000 })
    const different: string[] = []
    const refurnish = async () => {
      await furnish()
      for (const [name, target] of [
        ['to-file', '../bob/file'],
        ['to-none', '../bob/nothing'],
        ['to-folder', '../bob/folder'],
        ['way', '../bob'],
        ['astray', '../nobody'],
      ] as const) {
        await rm(home.path(name), { force: true, recursive: true })
        await symlink(target, home.path(name))
      }
      await rm(home.path('taken'), { force: true, recursive: true })
    }
    for (const lines of all)
      for (const [there, missing] of pairs) {
        const tellOf = async (path: string) =>
          withoutChance(await say(session, lines, path), lines)
            .replaceAll(path, 'PATH')
            .replace(/port|\d{5,}/g, '')
            .replace(/(?<=150 Opening data connection for ).*/g, '')
        const one = await tellOf(there)
        await refurnish()
        const other = await tellOf(missing)
        await refurnish()
        if (one !== other) different.push(`${lines.join(', ')} of ${there}: ${one.trim()} / of ${missing}: ${other.trim()}`)
        expect(seenOutside(), lines.join(', ')).to.equal(before)
      }
    expect(different).to.deep.equal([])
  })
})
