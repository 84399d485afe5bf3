import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'exec: what a program started outlives it',
    file: 'servers/exec/program.ts',
    guard: '    await killFamily(this.mark, this.#family)\n    await this.ended\n',
    without: '    await this.ended\n',
    tests: ['test/exec/run.test.ts'],
    grep: 'leaves children behind',
  },
  {
    name: 'exec: what a program sent into the background outlives it',
    file: 'servers/exec/processes.ts',
    guard: 'if (isOwn || (tag !== null && isTagged(row.pid, tag))) found.set(row.pid, row)',
    without: 'if (isOwn) found.set(row.pid, row)',
    tests: ['test/exec/hostile.test.ts'],
    grep: 'goes into the background',
  },
  {
    name: 'exec: a process that only has the number of an old one is killed',
    file: 'servers/exec/leftover.ts',
    guard: 'while (isAlive(note) && performance.now() < giveUpAt) {',
    without: 'while (parentOf(note.pid) !== null && performance.now() < giveUpAt) {',
    tests: ['test/exec/run.test.ts'],
    grep: 'another runner was killed over',
  },
  {
    name: 'exec: a program gets the secrets of our environment',
    file: 'servers/exec/launch.ts',
    guard: '    passedOn.test(name) && value !== undefined ? [[name, value]] : [],',
    without: '    value !== undefined ? [[name, value]] : [],',
    tests: ['test/exec/run.test.ts'],
    grep: 'clean environment',
  },
  {
    name: 'exec: a program writes a line without end into our memory',
    file: 'servers/exec/output.ts',
    guard: 'const kept = part.subarray(0, room)',
    without: 'const kept = part',
    tests: ['test/exec/output.test.ts'],
  },
  {
    name: 'exec: a program fills the journal',
    file: 'servers/exec/output.ts',
    guard: 'if (this.#taken <= this.#perSecond) return true',
    without: 'if (this.#taken > 0) return true',
    tests: ['test/exec/output.test.ts'],
    grep: 'the rate of lines',
  },
  {
    name: 'exec: a preparation that failed half-way counts as made',
    file: 'servers/exec/preparation.ts',
    guard: 'if (ending.code !== 0)',
    without: 'if (ending.code === null)',
    tests: ['test/exec/run.test.ts'],
    grep: 'that fails leaves nothing',
  },
]
