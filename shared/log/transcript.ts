/** What is written down of a conversation at the journal's level `debug`: who said what, without what is nobody's business. */
import type { Line } from '../net/line-splitter.ts'

/**
 * How much of a client's line may be told; the protocol knows, by its command table and where the conversation stands.
 * `whole`: a command that holds no secret; `name`: one that takes no argument, so that whatever stands behind its name is none of it;
 * `numbers`: one whose arguments are numbers; `chunk`: one that announces octets, and may call them the last; `account`: one whose argument is one word, the name of an account; `credentials`: one whose argument is a secret; `secret`: all of
 * the line is one, as the answer to a challenge; `unknown`: no command of the protocol, so that it may be anything.
 */
export type Telling = 'whole' | 'name' | 'numbers' | 'chunk' | 'account' | 'credentials' | 'secret' | 'unknown'

/** Takes down one conversation, in the order in which it is told of it. Never throws and never waits. */
export interface Transcript {
  /** A line of the client, before the answer to it is told. */
  client(line: Line, telling: Telling): void
  /** Lines of the server with their line breaks, as they are sent. Nothing of it may be a secret. */
  server(text: string): void
  /** Octets that are not written down, only how many they are: content of messages. What comes in parts is told as one. */
  content(from: 'client' | 'server', octets: number): void
}
