import { rcloneTests } from './rclone.ts'

rcloneTests('clear', 'as many connections as it wants')
rcloneTests('clear', 'one connection')
rcloneTests('explicit TLS', 'as many connections as it wants')
rcloneTests('implicit TLS', 'one connection')
rcloneTests('implicit TLS', 'as many connections as it wants')
