import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { ConfigurationError } from '../../shared/config/problem.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

/** A configuration that cannot be used, and all that is told of it. */
export interface Wrong {
  readonly name: string
  /** The content of `my.yaml`. */
  readonly yaml?: string | Buffer
  /** Other files than `my.yaml`. */
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly sets?: readonly string[]
  /** The lines; `<cwd>` stands for the working directory. */
  readonly told: readonly string[]
}

/** What is told of a configuration; null when it can be used. */
const errorOf = (wrong: Wrong, cwd: string): ConfigurationError | null => {
  const files = wrong.files ?? (wrong.yaml === undefined ? [] : ['my.yaml'])
  try {
    loadConfiguration({ protocols, cwd, files, env: wrong.env ?? {}, sets: wrong.sets ?? [] })
    return null
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
}

/** One test for each. */
export const refuses = (cases: readonly Wrong[]): void => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  for (const wrong of cases) {
    it(wrong.name, async () => {
      if (wrong.yaml !== undefined) await writeFile(folder.at('my.yaml'), wrong.yaml)
      const error = errorOf(wrong, folder.path)
      expect(error?.message.replaceAll(folder.path, '<cwd>').split('\n')).to.deep.equal(wrong.told)
      expect(error?.problems).to.have.length(wrong.told.length)
    })
  }
}
