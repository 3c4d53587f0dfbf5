declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** Draws the reference into `dom_id`. Only what we use of its many settings. */
  export default function SwaggerUIBundle(settings: Record<string, unknown>): void;
}
