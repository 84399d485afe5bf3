import { expect } from 'chai'
import { amount, count, counted } from '../../cli/amounts.ts'
import { Progress } from '../../cli/progress.ts'

/** A screen and a clock of the test's own. */
const made = (options: { isTTY?: boolean; quiet?: boolean; messages?: number | null; octets?: number | null } = {}) => {
  const { isTTY = true, quiet = false, messages = 100, octets = 1_000_000 } = options
  let written = ''
  let nowMs = 0
  const screen = { isTTY, columns: 100, write: (text: string) => (written += text) }
  const progress = new Progress({ label: 'import', messages, octets }, { quiet, screen, now: () => nowMs })
  return { progress, written: () => written, pass: (ms: number) => (nowMs += ms) }
}

describe('the progress of long work', () => {
  it('is told on one line of a terminal: how much, how fast, how long still; and is taken away at the end', () => {
    const { progress, written, pass } = made()
    progress.add(1, 1000)
    expect(written()).to.equal('')
    pass(10_000)
    progress.add(24, 249_000)
    expect(written()).to.equal('\rimport  [######..................]  25 of 100  250 kB of 1.0 MB  25 kB/s  0:30 left\u001b[K')
    progress.add(1, 0)
    expect(written().match(/\r/g)).to.have.length(1)
    progress.end()
    expect(written()).to.match(/\r\u001b\[K$/)
  })

  it('tells what is known', () => {
    const { progress, written, pass } = made({ messages: null, octets: null })
    pass(2000)
    progress.add(1234, 5000)
    expect(written()).to.equal('\rimport  1,234  5.0 kB  2.5 kB/s\u001b[K')
  })

  it('is not told where no terminal is, nor where it is not wanted', () => {
    for (const options of [{ isTTY: false }, { quiet: true }]) {
      const { progress, written, pass } = made(options)
      pass(10_000)
      progress.add(1, 1)
      progress.end()
      expect(written()).to.equal('')
    }
  })

  it('has numbers as people read them', () => {
    expect([0, 999, 1000, 9949, 9950, 999_499, 999_500, 5e9, 5e15].map(amount)).to.deep.equal([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '10 kB',
      '999 kB',
      '1.0 MB',
      '5.0 GB',
      '5000 TB',
    ])
    expect([count(1_234_567), counted(1, 'message'), counted(0, 'message')]).to.deep.equal(['1,234,567', '1 message', '0 messages'])
  })
})
