import { defineConfig } from 'vite'
import { compileMessages } from './build/messages.js'
import { compressed } from './build/compressed.js'
import { phoneMetadata } from './build/phone-metadata.js'

export default defineConfig({
  logLevel: 'warn',
  // A tool of ours brings an older React to the root of the checkout; one page can only have one.
  resolve: { dedupe: ['react', 'react-dom'] },
  // Each page is an entry: an HTML file of this folder, served by the gateway under its own address.
  build: {
    outDir: 'dist/site',
    target: 'es2022',
    // A strict policy lets no data: address through.
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // `use client` of libraries means nothing in a page.
    rolldownOptions: {
      input: ['index.html', 'inbox.html'],
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
  plugins: [compileMessages(), phoneMetadata(), compressed()],
})
