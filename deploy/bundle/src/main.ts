import { bundleService } from './bundle.js'

// `npm run build` of a service calls it, in the service's folder.
await bundleService(process.cwd())
