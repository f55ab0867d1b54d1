// The TypeScript SDK's client: lists the tools, calls a workflow, approves the plan of another, and says on one line what
// it has seen.
// node sdk_client.mjs MODE COMMAND ARGUMENT...     MODE: legacy (the handshake era) or auto (the newest both know)

import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const [mode, command, ...args] = process.argv.slice(2)
const client = new Client(
  { name: 'conformance', version: '1' },
  { versionNegotiation: { mode }, capabilities: { elicitation: { form: {} } } }
)
const questions = []
client.setRequestHandler('elicitation/create', async (request) => {
  questions.push(request.params.message)
  return { action: 'accept', content: { approved: true } }
})

async function status(given, options) {
  const call = { name: 'build_feature', arguments: { isolation: 'in_place', ...given } }
  return (await client.callTool(call, options)).structuredContent.status
}

await client.connect(new StdioClientTransport({ command, args, cwd: process.cwd(), env: process.env }))
const { tools } = await client.listTools()
const progress = []
const heard = { onprogress: (line) => progress.push(line.progress) }
const seen = {
  protocol: client.getNegotiatedProtocolVersion(),
  tools: tools.map((tool) => tool.name),
  status: await status({ task: `Add slugs (${mode})` }, heard),
  progress,
  approved: await status({ task: `Add slugs, if I may (${mode})`, approve_plan: true }),
  questions
}
console.log(JSON.stringify(seen))
await client.close()
