import { expect } from 'chai'
import { statusText } from '../../cli/status-table.ts'
import type { ServiceStatus, Status } from '../../cli/supervisor-status.ts'
import { isColourful } from '../../cli/terminal.ts'

const nowMs = Date.parse('2026-06-01T12:00:00Z')
const plain = { width: null, colourful: false, nowMs }

const service = (name: string, changes: Partial<ServiceStatus> = {}): ServiceStatus => ({
  name,
  protocol: name,
  host: '127.0.0.1',
  port: 2525,
  pid: 4242,
  state: 'ready',
  startedAt: '2026-06-01T11:59:00Z',
  restarts: 0,
  connections: 3,
  served: 17,
  memory: 60 * 2 ** 20,
  lastError: null,
  ...changes,
})

const status = (...services: ServiceStatus[]): Status => ({
  supervisor: { pid: 4200, version: '1.2.3', state: 'ready', startedAt: '2026-06-01T09:00:00Z' },
  services,
})

describe('the table of havre status', () => {
  it('has a line a service, numbers to the right', () => {
    expect(
      statusText(status(service('smtp'), service('submission', { served: 1_234_567, startedAt: null, pid: null })), plain),
    ).to.equal(
      [
        'havre 1.2.3, pid 4200, ready, up 3 h',
        '',
        'SERVICE     STATE  ADDRESS          PID    UP  OPEN   SERVED  RESTARTS  MEMORY',
        'smtp        ready  127.0.0.1:2525  4242  60 s     3       17         0  60 MiB',
        'submission  ready  127.0.0.1:2525     -     -     3  1234567         0  60 MiB',
      ].join('\n'),
    )
  })

  it('tells the last error with the time of the next try, and trouble with the journal', () => {
    const journal = { ok: false, error: 'ENOSPC', dropped: 12 }
    const waiting = service('smtp', {
      state: 'waiting',
      lastError: 'was ended by SIGKILL',
      nextTry: '2026-06-01T12:00:12Z',
      journal,
    })
    expect(statusText(status(waiting), plain).split('\n').slice(4)).to.deep.equal([
      '',
      'smtp: was ended by SIGKILL; next try in 12 s',
      'smtp: the journal cannot be written: ENOSPC',
      'smtp: 12 records of the journal are lost',
    ])
  })

  it('shows what was refused, and workers, only where there are any', () => {
    expect(statusText(status(service('http')), plain)).to.not.match(/REFUSED|WORKERS/)
    const text = statusText(
      status(
        service('http', {
          refused: { connections: 2, badCommands: 3, idle: 7 },
          workers: [1, 2, 3, 4].map((pid) => ({ pid, state: 'ready' })),
        }),
        service('ftp'),
      ),
      plain,
    )
    expect(text).to.match(/PID {2}WORKERS .* REFUSED {2}RESTARTS/)
    expect(text).to.match(/^http .* 4242 {8}4 .* 5 /m)
  })

  it('leaves out columns until it fits, and keeps service, state and address', () => {
    const all = status(service('smtp', { refused: { connections: 3 } }), service('pop3'))
    for (let width = 100; width >= 30; width--) {
      const lines = statusText(all, { ...plain, width }).split('\n')
      for (const line of lines) expect(line.length, line).to.be.at.most(width)
      expect(lines.join('\n')).to.match(/SERVICE +STATE +ADDRESS/)
    }
    expect(statusText(all, { ...plain, width: 50 }))
      .to.match(/OPEN/)
      .and.not.match(/MEMORY|SERVED/)
  })

  it('breaks long errors at the width', () => {
    const text = statusText(status(service('smtp', { state: 'failed', lastError: 'word '.repeat(40).trim() })), {
      ...plain,
      width: 40,
    })
    expect(text.split('\n').every((line) => line.length <= 40)).to.equal(true)
    expect(text.split('word').length).to.equal(41)
  })

  it('lets nothing drive the terminal', () => {
    expect(statusText(status(service('db', { lastError: 'said \u001b[2J\nand \u009b' })), plain)).to.include(
      '\\u001b[2J\\u000aand \\u009b',
    )
  })

  it('colours states where colours are wanted, and widths stay', () => {
    const all = status(service('smtp'), service('pop3', { state: 'failed' }))
    const text = statusText(all, { ...plain, colourful: true })
    expect(text).to.include('\u001b[32mready \u001b[0m').and.include('\u001b[31mfailed\u001b[0m')
    expect(text.replace(/\u001b\[\d+m/g, '')).to.equal(statusText(all, plain))
  })

  it('knows by terminal and environment whether colours are wanted', () => {
    expect(isColourful({ isTTY: true }, {})).to.equal(true)
    expect(isColourful({ isTTY: true }, { NO_COLOR: '' })).to.equal(true)
    expect(isColourful({ isTTY: true }, { NO_COLOR: '1' })).to.equal(false)
    expect(isColourful({ isTTY: true }, { TERM: 'dumb' })).to.equal(false)
    expect(isColourful({}, {})).to.equal(false)
  })
})
