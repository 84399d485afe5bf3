/** A row's dialogues, by the sections of the command table: one file for each of `servers/ftp/rows`. */
import { accessExamples } from './examples/access.ts'
import { encryptionExamples } from './examples/encryption.ts'
import type { ExamplesByName } from './examples/example.ts'
import { factsExamples } from './examples/facts.ts'
import { filesExamples } from './examples/files.ts'
import { listsExamples } from './examples/lists.ts'
import { parametersExamples } from './examples/parameters.ts'
import { serverExamples } from './examples/server.ts'
import { transfersExamples } from './examples/transfers.ts'

export const examples: ExamplesByName = {
  ...accessExamples,
  ...encryptionExamples,
  ...parametersExamples,
  ...transfersExamples,
  ...listsExamples,
  ...filesExamples,
  ...factsExamples,
  ...serverExamples,
}
