import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { lockHolder, takeLock } from '../../servers/supervisor/lock.ts'
import { temporaryFolder } from '../kit/folder.ts'

const lockModule = new URL('../../servers/supervisor/lock.ts', import.meta.url).href

/** Another process that takes the lock, says whether it has it, and stays until it is killed. */
const holder = async (program: string, data: string) => {
  await writeFile(
    program,
    `import { lockHolder, takeLock } from '${lockModule}'
     const lock = takeLock(process.argv[2])
     process.send(lock !== null)
     setInterval(() => lock, 1000)`,
  )
  const child = fork(program, [data])
  const [has] = await once(child, 'message')
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { has, kill, pid: child.pid, [Symbol.asyncDispose]: async () => void child.kill('SIGKILL') }
}

describe('the lock on a data folder', () => {
  it('is held by one process, and free the moment that one is killed', async () => {
    await using folder = await temporaryFolder()
    await using first = await holder(folder.at('first.ts'), folder.path)
    expect(first.has).to.equal(true)
    expect(takeLock(folder.path)).to.equal(null)
    if (process.platform === 'linux') expect(lockHolder(folder.path)).to.equal(first.pid)
    await first.kill()
    const lock = takeLock(folder.path)
    expect(lock).not.to.equal(null)
    lock?.release()
  })

  it('is free after release', async () => {
    await using folder = await temporaryFolder()
    takeLock(folder.path)?.release()
    await using second = await holder(folder.at('second.ts'), folder.path)
    await second.kill()
    expect(second.has).to.equal(true)
  })
})
