"""What shows alerts and takes orders about them: the card in a chat, its words and buttons, and the pages."""
