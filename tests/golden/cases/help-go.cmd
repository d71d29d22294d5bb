help go
