/** The interactive reference of the API: Swagger UI over the forge's own document, with nothing from elsewhere. */
import "swagger-ui-dist/swagger-ui.css";
import "./reference.css";
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null, // would send the document to somebody else
});
