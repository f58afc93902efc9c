"""The API: what a program asks the app, through gradio's client, as MCP tools, or as plain REST."""
