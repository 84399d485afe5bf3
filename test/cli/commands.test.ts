import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { havre, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'

/** The commands that a help text lists. */
const listed = (help: string): readonly string[] =>
  [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}(\w[\w-]*)/gm)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'help')

describe('every command', function () {
  this.timeout(120_000)

  it('has --help, with examples', async () => {
    const all = listed((await havre(['--help'])).stdout.toString().split('Examples:')[0] ?? '')
    expect(all).to.include.members(['start', 'status', 'reload', 'restart', 'stop', 'doctor', 'check', 'account', 'mail', 'logs'])
    for (const name of all) {
      const { code, stdout } = await havre([name, '--help'])
      expect(code, name).to.equal(0)
      expect(stdout.toString(), name).to.match(/^Examples:\n {2}\$ (?:\w+=\S+ )*(?:.*\| )?havre /m)
    }
  })

  it('says of a reload that is wrong where it is wrong, all of it, and changes nothing', async () => {
    await using folder = await temporaryFolder()
    const own = folder.at('own.yaml')
    await writeFile(own, 'drain: 5s\n')
    await using family = await startFamily({ services: ['http'], args: ['--config', own] })
    const [before] = (await family.status()).services
    await writeFile(own, 'drian: 5s\nlimits:\n  idle: soon\n')
    // Named with the file, and by somebody who only knows the data folder: the supervisor read it, and says the same.
    const named = await family.havre(['reload'])
    const unnamed = await havre(['reload', '--set', `data=${family.folder.at('data')}`])
    for (const { code, stderr } of [named, unnamed]) {
      expect(code).to.equal(100)
      expect(stderr)
        .to.match(/own\.yaml:1:1: drian: /)
        .and.match(/own\.yaml:3:9: limits\.idle: /)
    }
    await writeFile(own, 'drain: 6s\n')
    expect((await family.status()).services[0]?.pid).to.equal(before?.pid)
    const right = await family.havre(['reload'])
    expect([right.code, right.stdout.toString()]).to.deep.equal([0, 'reloaded (replaced: http)\n'])
  })

  it('restarts a service, or says which there are', async () => {
    await using family = await startFamily({ services: ['http'] })
    const [before] = (await family.status()).services
    const done = await family.havre(['restart', 'http'])
    expect([done.code, done.stdout.toString()]).to.deep.equal([0, 'http restarted\n'])
    expect((await family.status()).services[0]?.pid).to.not.equal(before?.pid)
    const unknown = await family.havre(['restart', 'htpp'])
    expect([unknown.code, unknown.stderr]).to.deep.equal([100, 'havre: no service is called htpp; there are: http\n'])
  })

  it('tells at a stop what is waited for', async () => {
    await using family = await startFamily({ services: ['smtp'], demo: true, args: ['--set', 'drain=3s'] })
    const socket = connect(family.port('smtp'), '127.0.0.1')
    socket.on('error', () => undefined)
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk.toString()
    })
    await eventually(() => expect(heard).to.match(/^220 /))
    socket.write('EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\n')
    await eventually(() => expect(heard).to.match(/^354 /m))
    const { code, stdout, stderr } = await family.havre(['stop'], { deadlineMs: 60_000 })
    expect(stderr).to.equal('stopping; still open: smtp 1\n')
    expect([code, stdout.toString()]).to.deep.equal([0, 'stopped\n'])
    expect((await family.ended).code).to.equal(0)
    socket.destroy()
  })
})
