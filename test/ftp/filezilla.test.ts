import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import type { Setup } from '../kit/serving.ts'
import { FileZilla, type QueuedFile, Screen } from './filezilla.ts'
import { holds, makeTree, password, useProgramLab } from './program-lab.ts'

const content = seeded().octets(1_000_003)
const names = ['up.bin', 'ä 🐦', 'a#b;c', "it's"]

/** How it connects, what it says on the way, and how its queue names that. */
const manners = {
  'a URL, TLS as it finds it': { setup: {}, scheme: 'ftp', settings: {}, says: ['AUTH TLS', 'PROT P', 'PASV'] },
  'in clear, active mode': {
    setup: { tls: 'off' },
    scheme: 'ftp',
    settings: { 'Use Pasv mode': '0' },
    says: ['AUTH TLS', 'AUTH SSL', 'PORT'],
  },
} as const satisfies Readonly<Record<string, { setup: Partial<Setup>; [more: string]: unknown }>>

describeWith(['filezilla', 'Xvfb', 'xdotool'], 'FTP: FileZilla', () => {
  let screen: Screen
  before('screen', async () => {
    screen = await Screen.start()
  })
  after(() => screen[Symbol.asyncDispose]())

  for (const [manner, { setup, scheme, settings, says }] of Object.entries(manners)) {
    describe(manner, function () {
      this.timeout(120_000)
      const lab = useProgramLab(setup)

      it('opens a folder, lists it, and transfers what is in its queue, two files at once, both ways', async () => {
        const done = (event: string) => lab().running.journal.of(event)
        const filezilla = new FileZilla(lab(), screen)
        await makeTree(lab().home('folder'), 4)
        await filezilla.configure(settings)
        const url = `${scheme}://alice:${password}@127.0.0.1:${lab().port}/folder`
        await filezilla.runUntil(() => done('folder.listed').length > 0, [url, `--local=${lab().local()}`])
        for (const said of [...says, 'USER alice', 'FEAT', 'OPTS UTF8 ON', 'CWD /folder', 'MLSD']) {
          expect(
            lab().heard.some((line) => line.startsWith(said)),
            `${said}\n${lab().heard.join('\n')}`,
          ).to.equal(true)
        }

        await mkdir(lab().home('folder'), { recursive: true })
        const files: QueuedFile[] = []
        for (const [n, name] of names.entries()) {
          await writeFile(lab().local(name), content.subarray(n))
          await writeFile(lab().home('folder', `down ${name}`), content.subarray(n))
          files.push({ way: 'up', name, as: name }, { way: 'down', name: `down ${name}`, as: `back ${name}` })
        }
        filezilla.queue('as a URL does', 'folder', files)
        await filezilla.runUntil(() => done('file.transferred').length === files.length, [], true)
        for (const [n, name] of names.entries()) {
          await holds(lab().home('folder', name), content.subarray(n))
          await holds(lab().local(`back ${name}`), content.subarray(n))
        }
        expect(lab().heard.filter((line) => line === 'USER alice')).to.have.length(3)
      })
    })
  }
})
