/** The load of `bench/logins.ts`: POP3 sessions of a login and QUIT, and beside them clients that guess passwords. */
import { taskOf, tellResult } from '../kit/generator.ts'
import { logIn, quit } from '../kit/mail-clients.ts'
import { RefusedError, TextClient } from '../kit/text-client.ts'

export interface LoginTask {
  readonly seconds: number
  readonly port: number
  /** Client n logs in as u<n>. */
  readonly clients: number
  readonly password: string
  /** Clients that guess: each time from another address of this machine, since an address is slowed down and then blocked. */
  readonly guessers: number
}

export interface LoginResult {
  readonly seconds: number
  readonly loginMs: readonly number[]
  readonly guessMs: readonly number[]
}

const task = taskOf<LoginTask>()
const begin = performance.now()
const until = begin + task.seconds * 1000
const loginMs: number[] = []
const guessMs: number[] = []

const client = async (number: number): Promise<void> => {
  while (performance.now() < until) {
    const from = performance.now()
    await quit(await logIn(task.port, `u${number}`, task.password))
    loginMs.push(performance.now() - from)
  }
}

const guesser = async (number: number): Promise<void> => {
  for (let turn = 1; performance.now() < until; turn++) {
    const from = performance.now()
    const guess = await TextClient.connect(task.port, `127.${number}.${Math.floor(turn / 250)}.${(turn % 250) + 1}`)
    await guess.reply()
    await guess.ask(`USER u${number}`)
    try {
      await guess.ask('PASS guessed')
      throw new Error('a wrong password was taken')
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
    }
    await quit(guess)
    guessMs.push(performance.now() - from)
  }
}

const clients = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
await Promise.all([...clients(task.clients).map(client), ...clients(task.guessers).map(guesser)])
tellResult({ seconds: (performance.now() - begin) / 1000, loginMs, guessMs } satisfies LoginResult)
