import { mkdir } from 'node:fs/promises'
import { type BrowserContext, chromium } from 'playwright-core'
import { temporaryFolder } from './folder.ts'
import { findProgram } from './programs.ts'
import { run } from './run.ts'

declare global {
  // What playwright's types name and only a browser has: the project is compiled without them, so that no server's code can use
  // such a thing by mistake. Code for a page is given to it as text.
  interface Node {}
  interface HTMLElement {}
  interface SVGElement {}
  interface HTMLElementTagNameMap {}
}

/** How a browser is started. */
export interface BrowserSetup {
  /** Certificate of an authority that it is to trust, PEM: put into its store by `certutil`, as a user would. */
  readonly authority?: string
}

/** A real Chromium without a window. `await using` ends it and removes all that it kept. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** Programs that a browser needs, for `describeWith`. */
export const browserPrograms: readonly string[] = ['chromium', 'certutil']

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const trust = async (home: string, authority: string): Promise<void> => {
  const store = `sql:${home}/.pki/nssdb`
  await mkdir(`${home}/.pki/nssdb`, { recursive: true })
  for (const [command, input] of [
    [['-N', '-d', store, '--empty-password'], ''],
    [['-A', '-d', store, '-n', 'test', '-t', 'C,,', '-a'], authority],
  ] as const) {
    const { code, stderr } = await run('certutil', command, { input })
    if (code !== 0) throw new Error(`certutil ${command.join(' ')}: ${stderr}`)
  }
}

/** Starts a browser with a folder of its own: nothing is remembered from one to the next. */
export const startBrowser = async ({ authority }: BrowserSetup = {}): Promise<Browser> => {
  const folder = await temporaryFolder()
  try {
    if (authority !== undefined) await trust(folder.path, authority)
    const context = await chromium.launchPersistentContext(folder.at('profile'), {
      executablePath: findProgram('chromium') ?? 'chromium',
      args,
      env: { ...process.env, HOME: folder.path },
      timeout: 60_000,
    })
    const close = async () => {
      await context.close()
      await folder.remove()
    }
    return { context, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await folder.remove()
    throw error
  }
}
