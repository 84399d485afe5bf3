/** What a client says next, on a connection that nobody reads for the moment. */
import type { Duplex } from 'node:stream'

/**
 * Calls back once it says something, which is then the first that is read. Ends the connection when the client ends its side, and destroys it
 * when the client is silent for so long. Nothing is done with a connection that somebody ended meanwhile.
 */
export const onNextWord = (stream: Duplex, waitMs: number, said: () => void): void => {
  if (stream.destroyed || stream.writableEnded) return
  if (stream.readableEnded) return void stream.end()
  if (stream.readableLength > 0) {
    said()
    // Somebody may have stopped it.
    return void stream.resume()
  }
  const timer = setTimeout(() => stream.destroy(), waitMs)
  const over = () => {
    clearTimeout(timer)
    stream.off('data', heard).off('end', ended).off('close', over)
  }
  const heard = (octets: Buffer) => {
    over()
    if (stream.writableEnded) return
    stream.pause()
    stream.unshift(octets)
    said()
    stream.resume()
  }
  const ended = () => {
    over()
    stream.end()
  }
  stream.on('data', heard).on('end', ended).on('close', over).resume()
}
