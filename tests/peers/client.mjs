// Sends the messages of files with node-hl7-client on one connection, each after the answer to the one
// before it, and prints each answer as "MSA-1 MSA-2".
//
//     client.mjs PORT [--tls CA [CERTIFICATE KEY]] FILE...
import fs from 'node:fs'
import { Client, Message } from 'node-hl7-client'

const read = (file) => fs.readFileSync(file)
const [port, ...rest] = process.argv.slice(2)
let tls
if (rest[0] === '--tls') {
  tls = { ca: read(rest[1]), servername: 'localhost' }
  rest.splice(0, 2)
  if (!rest[0].endsWith('.hl7')) {
    Object.assign(tls, { cert: read(rest[0]), key: read(rest[1]) })
    rest.splice(0, 2)
  }
}
let answered
const client = new Client({ host: '127.0.0.1', ...(tls && { tls }) })
const connection = client.createConnection({ port: Number(port), waitAck: true, encoding: 'utf-8' }, (response) => {
  const message = response.getMessage()
  console.log(message.get('MSA.1').toString(), message.get('MSA.2').toString())
  answered()
})
connection.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
for (const file of rest) {
  const next = new Promise((resolve) => { answered = resolve })
  await connection.sendMessage(new Message({ text: fs.readFileSync(file, 'utf-8') }))
  await next
}
await connection.close()
process.exit(0)
