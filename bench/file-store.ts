/**
 * What the file store costs in a small transfer: `npm run bench -- file-store`. For each operation the time of a processor (all threads
 * together), the time that passes, and how many times it goes through the thread pool, of which each costs the time of some twenty
 * system calls. Then how long a home of many files takes to be counted. Nothing is synced: that is the disk's time, and the desk's.
 */
import { createHook } from 'node:async_hooks'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileStore } from '../shared/files/disk-file-store.ts'
import type { FileStore } from '../shared/files/file-store.ts'

const rounds = Number(process.argv[2] ?? 2000)
const files = Number(process.argv[3] ?? 100_000)
const content = Buffer.alloc(1024, 'x')
const target = Buffer.alloc(65_536)

const stor = async (store: FileStore, path: string): Promise<void> => {
  const upload = await store.upload(path, 'replace')
  await upload.write(content)
  await upload.commit()
}

const retr = async (store: FileStore, path: string): Promise<void> => {
  const file = await store.open(path)
  await file.handle.read(target, 0, file.stat.octets, 0)
  await file.close()
}

/** Every way through the thread pool begins with one of these. */
const poolKinds = new Set(['FSREQCALLBACK', 'FSREQPROMISE', 'FILEHANDLECLOSEREQ'])

const measured = async (what: string, act: (nth: number) => Promise<void>): Promise<void> => {
  let ways = 0
  const hook = createHook({
    init: (_, kind) => {
      if (poolKinds.has(kind)) ways += 1
    },
  })
  hook.enable()
  await act(0)
  hook.disable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (let nth = 1; nth <= rounds; nth += 1) await act(nth)
  const tookMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  const each = (us: number): string => `${Math.round(us / rounds)} µs`.padStart(8)
  console.log(`${what.padEnd(24)}processor ${each(user + system)}   time ${each(tookMs * 1000)}   thread pool ${ways}`)
}

const folder = await mkdtemp(join(tmpdir(), 'havre-bench-'))
try {
  const root = join(folder, 'home')
  await mkdir(root)
  const store = openFileStore({ root, sync: null, account: 'alice', mayHaveLeftovers: () => false })
  for (let nth = 0; nth < 300; nth += 1) await stor(store, '/warm')
  await measured('STOR 1 KiB, new', (nth) => stor(store, `/${nth}`))
  await measured('STOR 1 KiB, over old', (nth) => stor(store, `/${nth}`))
  await measured('RETR 1 KiB', (nth) => retr(store, `/${nth}`))
  await measured('DELE', (nth) => store.remove(`/${nth}`))
  const inFolder = 1000
  for (let nth = 0; nth < files; nth += 1) {
    const path = join(root, String(Math.floor(nth / inFolder)))
    if (nth % inFolder === 0) await mkdir(path)
    writeFileSync(join(path, String(nth)), '')
  }
  const began = performance.now()
  const cpu = process.cpuUsage()
  await store.usage()
  const { user, system } = process.cpuUsage(cpu)
  const processorMs = Math.round((user + system) / 1000)
  console.log(`${files} files counted in ${Math.round(performance.now() - began)} ms, processor ${processorMs} ms`)
} finally {
  await rm(folder, { recursive: true })
}
