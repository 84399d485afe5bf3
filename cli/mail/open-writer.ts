/** The folder that an export writes: begun where nothing is overwritten. */
import { PermanentError } from '../../shared/service.ts'
import type { ConfigurationOptions } from '../configuration-options.ts'
import { type FolderWriter, type Format, type Target, targetAt } from './folder.ts'
import { isMaildir } from './maildir/reader.ts'
import { writeMaildir } from './maildir/writer.ts'
import { writeMbox } from './mbox/writer.ts'
import { quoted } from './printing.ts'

/** What `havre mail export` takes. */
export interface ExportOptions extends ConfigurationOptions {
  readonly format: Format
  readonly append?: true
  readonly plain?: true
  readonly salvage?: true
  readonly quiet?: true
  readonly json?: true
}

/** Begins a folder at a path where nothing is that would be overwritten. */
export const openWriter = async (path: string, { format, append, plain }: ExportOptions): Promise<FolderWriter> => {
  const target = await targetAt(path)
  if (format === 'maildir') {
    await mayBecome(path, target, ['absent', 'empty-folder'], append === true && target === 'folder' && (await isMaildir(path)))
    return writeMaildir(path)
  }
  await mayBecome(path, target, ['absent', 'empty-file'], append === true && target === 'file')
  return writeMbox(path, { append: target === 'file', plain: plain === true })
}

const mayBecome = async (path: string, target: Target, fresh: readonly Target[], mayAppend: boolean): Promise<void> => {
  if (mayAppend || fresh.includes(target)) return
  const isFolder = target === 'folder' || target === 'empty-folder'
  const what = isFolder ? 'a folder that has something in it' : target === 'other' ? 'neither file nor folder' : 'a file'
  const advice =
    isFolder === fresh.includes('empty-folder')
      ? 'Name another path, or add to mail that is there with --append'
      : 'Name another path'
  throw new PermanentError(`${quoted(path)} is ${what}, and nothing is overwritten. ${advice}`)
}
